using Caracal.Authority.Providers;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage.ProviderConnections;
using Caracal.Storage.Providers;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary><c>POST …/provider-connections</c>: tokens somebody got elsewhere, sealed for the STS.</summary>
internal sealed class CreateConnection(Changes changes, ConnectionSeals seals)
{
    private const int LongestToken = 16 * 1024;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Loose(ControlPlaneErrors.InvalidProviderConnection);
        var subject = fields.NullableText("subject_id", 1, 512) ?? ConnectionSeals.Shared;
        var providerId = fields.Text("provider_id", 1, 128);
        var access = fields.Text("access_token", 1, LongestToken);
        var refresh = fields.NullableText("refresh_token", 1, LongestToken);
        var expires = fields.NullableText("expires_at", 1, 64);
        DateTimeOffset expiresAt = default;
        if (expires is not null && !Timestamps.TryParseUtc(expires, secondsOptional: true, out expiresAt)) fields.Note("expires_at", "must be a UTC time ending in Z");

        // It will stand in a header.
        if (access.AsSpan().ContainsAnyExceptInRange('\x21', '\x7e')) fields.Note("access_token", "must be visible ASCII");
        if (fields.Problem() is { } problem) return problem;
        var made = seals.Seal(call.ZoneId, subject, providerId, access, refresh, expires is null ? null : expiresAt, call.Now);
        return await changes.ApplyAsync(call, async work =>
        {
            if (await ProviderStore.FindAsync(work.Connection, call.ZoneId, providerId) is not { } provider) return ControlPlaneErrors.ProviderNotFound;
            if (provider.ProviderKind != ProviderKinds.AuthorizationCode) return ControlPlaneErrors.ProviderConnectionUnsupported;
            var row = await ConnectionDirectory.PutAsync(work, made);
            return Answer.Created(row.Id, ConnectionJson.Of(row));
        });
    }
}
