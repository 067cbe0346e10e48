using System.Text.Json;
using Caracal.Protocol;
using Caracal.Protocol.Exchange;

namespace Caracal.Gateway.Exchange;

/// <summary>Turns the STS's HTTP answer into an outcome (the table of gateway.md A8).</summary>
internal static class ExchangeAnswer
{
    /// <param name="status">HTTP status.</param>
    /// <param name="isJson">Whether the media type is <c>application/json</c> or <c>*+json</c>.</param>
    /// <param name="body">At most 16 KiB; empty when it was longer.</param>
    /// <param name="resource">The resource asked for.</param>
    /// <param name="reasonPhrase">The standard phrase of the status.</param>
    public static ExchangeOutcome Read(int status, bool isJson, ReadOnlyMemory<byte> body, string resource, string reasonPhrase)
    {
        using var document = isJson ? TryParse(body) : null;
        if (status == 200)
        {
            return document is not null && TryReadGrant(document.RootElement, resource) is { } grant
                ? ExchangeOutcome.Granted(grant)
                : Failed(GatewayErrors.StsResponseInvalid, authenticated: false);
        }

        if (document is not null && Text(document.RootElement, "error"u8) is { Length: > 0 } code)
        {
            var refusal = new Refusal(Status(status), code, Text(document.RootElement, "error_description"u8) ?? "");
            return ExchangeOutcome.Failed(new ExchangeFailure(refusal, Authenticated: true) { Hold = ReadHold(document.RootElement) });
        }

        return Failed(new Refusal(Status(status), "sts_unavailable", reasonPhrase), authenticated: false);
    }

    public static ExchangeOutcome Failed(Refusal refusal, bool authenticated) =>
        ExchangeOutcome.Failed(new ExchangeFailure(refusal, authenticated));

    // A redirect or another 2xx is no answer of an STS, and must not become one of ours.
    private static int Status(int status) => status >= 400 ? status : 502;

    private static JsonDocument? TryParse(ReadOnlyMemory<byte> body)
    {
        try
        {
            var document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            return null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ExchangeGrant? TryReadGrant(JsonElement answer, string resource)
    {
        if (Text(answer, "access_token"u8) is not { Length: > 0 } token)
        {
            return null;
        }

        var expiresIn = Number(answer, "expires_in"u8) ?? 0;
        var directive = answer.TryGetProperty("upstreams"u8, out var upstreams) && upstreams.ValueKind == JsonValueKind.Object
            && upstreams.TryGetProperty(resource, out var found) && found.ValueKind == JsonValueKind.Object
            ? ReadDirective(found)
            : null;
        return new ExchangeGrant(token, (int)Math.Clamp(expiresIn, 0, int.MaxValue), directive);
    }

    private static UpstreamDirective ReadDirective(JsonElement directive) => new()
    {
        Url = Text(directive, "url"u8) ?? "",
        AuthMode = Text(directive, "auth_mode"u8) ?? "",
        AuthLocation = Text(directive, "auth_location"u8),
        AuthHeader = Text(directive, "auth_header"u8),
        QueryParamName = Text(directive, "query_param_name"u8),
        AuthScheme = Text(directive, "auth_scheme"u8),
        AllowedTokenHosts = Texts(directive, "allowed_token_hosts"u8),
        ProviderToken = Text(directive, "provider_token"u8),
        ProviderId = Text(directive, "provider_id"u8),
        ConnectionId = Text(directive, "connection_id"u8),
        ForwardCaracalIdentity = directive.TryGetProperty("forward_caracal_identity"u8, out var forward) && forward.ValueKind == JsonValueKind.True,
        ExpiresAt = Number(directive, "expires_at"u8),
        BudgetEdges = Texts(directive, "budget_edges"u8),
        Watch = ReadWatch(directive),
        OperationsEnforced = !(directive.TryGetProperty("operations_enforced"u8, out var enforced) && enforced.ValueKind == JsonValueKind.False),
    };

    private static CredentialWatch? ReadWatch(JsonElement directive) =>
        Text(directive, "provider_id"u8) is { Length: > 0 } provider && Number(directive, "credential_version"u8) is { } version
        && Number(directive, "credential_observed_until"u8) is { } until
            ? new CredentialWatch(provider, version, until)
            : null;

    private static ApprovalHold? ReadHold(JsonElement answer) =>
        Text(answer, "approval_id"u8) is { Length: > 0 } id
            ? new ApprovalHold(
                id, Text(answer, "state"u8) ?? "", Text(answer, "tier"u8),
                Text(answer, "binding"u8) ?? "", Text(answer, "approval_expires_at"u8) ?? "")
            : null;

    private static string? Text(JsonElement element, ReadOnlySpan<byte> name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number(JsonElement element, ReadOnlySpan<byte> name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    // A list we cannot read must not read as "no restriction".
    private static IReadOnlyList<string> Texts(JsonElement element, ReadOnlySpan<byte> name)
    {
        if (!element.TryGetProperty(name, out var list) || list.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        return list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : "")]
            : [""];
    }
}
