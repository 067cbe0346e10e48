using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Outbound;
using Caracal.ControlPlane.Providers;
using Caracal.Egress.Providers;
using Caracal.Storage.ProviderConnections;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary><c>POST …/provider-connections/revoke</c>: gone here first, then taken back at the provider, which may fail (RFC 7009).</summary>
internal sealed class RevokeConnection(Changes changes, ProviderSecrets secrets, ConnectionSeals seals, OutboundHttp http)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidProviderConnectionRevoke);
        var subject = fields.NullableText("subject_id", 1, 512) ?? ConnectionSeals.Shared;
        var providerId = fields.Text("provider_id", 1, 128);
        if (fields.Problem() is { } problem) return problem;
        ConnectionTokensRow? tokens = null;
        ConnectionRow? row = null;
        var answer = await changes.ApplyAsync(call, async work =>
        {
            tokens = await ConnectionDirectory.FindTokensAsync(work, call.ZoneId, subject, providerId);
            row = await ConnectionDirectory.RevokeAsync(work, call.ZoneId, subject, providerId, call.Now);
            return row is null ? ControlPlaneErrors.ProviderConnectionNotFound : Answer.Ok(ConnectionJson.Of(row));
        });
        if (!answer.Succeeded) return answer;
        var upstream = await TakeBackAsync(call, providerId, tokens!);
        return Answer.Ok(JsonRows.Object(writer =>
        {
            ConnectionJson.Write(writer, row!);
            writer.WriteString("upstream_revocation", upstream);
        }));
    }

    private async Task<string> TakeBackAsync(ApiCall call, string providerId, ConnectionTokensRow tokens)
    {
        const string unsupported = "unsupported";
        const string failed = "failed";
        var provider = await changes.Database.ReadAsync(connection => ProviderStore.FindAsync(connection, call.ZoneId, providerId), call.Cancelled);
        if (provider is null) return unsupported;
        using var config = JsonDocument.Parse(provider.ConfigJson.Value);
        if (ConsentClient.TryRead(config.RootElement)?.RevocationEndpoint is not { } endpoint) return unsupported;
        if (OAuthClient.TryRead(provider.ProviderKind, config.RootElement) is not { } client
            || await secrets.OpenAsync(call.ZoneId, provider.Id) is not { } opened
            || OAuthCredentials.TryCreate(client, provider.ProviderKind, provider.ConfigJson.Value, opened) is not { } credentials
            || seals.OpenForRevocation(tokens) is not var (token, hint)
            || TokenRequests.ForRevocation(credentials, token, hint, call.Now) is not { } form)
        {
            return failed;
        }

        using var request = TokenCall.Of(endpoint, form);
        return await http.AskAsync(request, call.Cancelled) is { Status: 200 } ? "revoked" : failed;
    }
}
