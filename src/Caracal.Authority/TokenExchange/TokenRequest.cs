namespace Caracal.Authority.TokenExchange;

/// <summary>A token exchange as asked for, whatever carried it (sts.md 2). Empty fields are null.</summary>
public sealed record TokenRequest
{
    public const string TokenExchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";
    public const string AccessTokenType = "urn:ietf:params:oauth:token-type:access_token";
    public const string IdTokenType = "urn:ietf:params:oauth:token-type:id_token";

    public string? GrantType { get; init; }
    public string? ZoneId { get; init; }
    public string? ApplicationId { get; init; }
    public string? ClientSecret { get; init; }

    /// <summary>Trimmed, distinct, in byte order.</summary>
    public IReadOnlyList<string> Resources { get; init; } = [];

    /// <summary>True when a <c>resource</c> field was empty.</summary>
    public bool HasEmptyResource { get; init; }

    /// <summary>The scopes, joined by one space: what a mandate carries.</summary>
    public string? Scope { get; init; }
    public IReadOnlyList<string> Scopes { get; init; } = [];
    public ReadOnlyMemory<char>? SubjectToken { get; init; }
    public string? SubjectTokenType { get; init; }
    public string? SessionId { get; init; }
    public string? AgentSessionId { get; init; }
    public string? DelegationEdgeId { get; init; }

    /// <summary>0 asks for the default.</summary>
    public long TtlSeconds { get; init; }

    /// <summary>False when the field was no integer.</summary>
    public bool TtlIsInteger { get; init; } = true;
    public string? ApprovalId { get; init; }

    /// <summary>True when <c>approval_id</c> and its alias <c>challenge_id</c> differ.</summary>
    public bool ApprovalIdsDiffer { get; init; }

    /// <summary>A field that is rejected outright, or null.</summary>
    public string? ForbiddenField { get; init; }
    public string? RequestMethod { get; init; }
    public string? RequestPath { get; init; }

    /// <summary>What an MCP message asks for, as the Gateway read it from headers and body.</summary>
    public string? McpOperation { get; init; }

    public string? GatewayRequestId { get; init; }

    /// <summary>True once the Gateway has proved itself, or called in this process. Nothing in the form can set it.</summary>
    public bool IsGateway { get; init; }

    /// <summary>Hides secret and token from logs.</summary>
    public override string ToString() => "TokenRequest";
}
