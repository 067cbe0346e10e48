using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Caracal.Sts.TokenExchange;
using Caracal.Sts.Zones;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Policies;

/// <summary><c>GET /internal/policy/status/{zoneID}</c> (sts.md 10.6): which bundle this instance decides with.</summary>
internal sealed class PolicyStatus(StsSettings settings, ZoneStates zones, ISharedState state, DatabaseClock clock)
{
    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        var zoneId = ((string?)context.Request.RouteValues["zoneId"] ?? "").Trim();
        if (zoneId.Length == 0)
        {
            await ErrorBody.WriteAsync(context, StsErrors.InternalZoneMissing);
            return;
        }

        try
        {
            if (SignedCallReader.Read(context, ReadOnlyMemory<byte>.Empty) is not { } proof
                || !await SignedCall.VerifyAsync(proof, settings.GatewayKeys, state, clock, context.RequestAborted))
            {
                await ErrorBody.WriteAsync(context, StsErrors.BadSignedCall);
                return;
            }

            await WriteAsync(context, zoneId, await zones.GetFreshAsync(zoneId, context.RequestAborted));
        }
        catch (Exception fault) when (fault is StreamsUnavailableException or StorageUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
        }
    }

    private Task WriteAsync(HttpContext context, string zoneId, ZoneState? zone) =>
        ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            var policy = zone?.Policy;
            writer.WriteStartObject();
            writer.WriteString("zone_id"u8, zoneId);
            writer.WriteBoolean("loaded"u8, policy?.IsUsable == true);
            if (policy is { IsUsable: true })
            {
                if (policy.VersionId is { } version)
                {
                    writer.WriteString("policy_set_version_id"u8, version);
                }

                writer.WriteString("manifest_sha256"u8, policy.ManifestSha);
                writer.WriteString("loaded_at"u8, Timestamps.Milliseconds(policy.LoadedAt));
                writer.WriteNumber("age_seconds"u8, (long)Math.Max(0, (clock.Process.GetUtcNow() - policy.LoadedAt).TotalSeconds));
            }

            writer.WriteEndObject();
        });
}
