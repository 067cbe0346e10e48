namespace Caracal.Admin;

/// <summary>Where the Admin API is, and with which tokens it is used.</summary>
public sealed record AdminOptions
{
    public string ApiUrl { get; init; } = "http://localhost:3000";

    /// <summary>An operator's token.</summary>
    public required string AdminToken { get; init; }

    /// <summary>Null: calls to the Coordinator fail with <c>coordinator_url_not_configured</c>.</summary>
    public string? CoordinatorUrl { get; init; }

    /// <summary>Null: calls to the Coordinator fail with <c>coordinator_token_not_configured</c>.</summary>
    public string? CoordinatorToken { get; init; }

    /// <summary>Sent with every call.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Null takes one that follows no redirect. Not disposed.</summary>
    public HttpMessageHandler? Http { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Never a token.</summary>
    public override string ToString() => $"AdminOptions {{ {ApiUrl} }}";
}

/// <summary>The Admin API or the Coordinator refused, or did not answer (status 0).</summary>
public sealed class AdminApiException(int status, string code, string target, string body, Exception? inner = null)
    : Exception($"{target}: {(status == 0 ? "no answer" : $"{status} {code}")}", inner)
{
    public int Status { get; } = status;

    /// <summary>The body's <c>error</c>, else the reason phrase.</summary>
    public string Code { get; } = code;

    /// <summary>Method and path.</summary>
    public string Target { get; } = target;

    /// <summary>The answer, secrets taken out, at most 2048 characters.</summary>
    public string Body { get; } = body;
}
