using Caracal.Hosting.Http;
using Caracal.Hosting.Keys;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Reencryption;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Custody;

/// <summary>
/// <c>POST /internal/keys/selftest</c> (operations.md 6.1): whether the oldest and the newest sealed value of each kind open here,
/// for every zone. With the metrics bearer; to others it is not there.
/// </summary>
internal sealed class SelfTestSealedValues(Database database, KekRing keks, MetricsAccess access)
{
    public const string Path = "/internal/keys/selftest";

    private static readonly Refusal NotFound = new(404, "not_found");
    private static readonly Refusal Unavailable = new(503, "postgres_unreachable");

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (!access.Allows(context.Request))
        {
            await ErrorBody.WriteAsync(context, NotFound);
            return;
        }

        try
        {
            var zones = new HashSet<string>(StringComparer.Ordinal);
            var failed = new List<string>();
            var opened = 0;
            foreach (var family in EnvelopeFamily.All)
            {
                foreach (var (zone, key, envelope) in await database.ReadAsync(connection => EnvelopeStore.SampleAsync(connection, family), context.RequestAborted))
                {
                    zones.Add(zone);
                    if (Opens(family.LocationOf(key), envelope)) opened++;
                    else if (!failed.Contains(zone)) failed.Add(zone);
                }
            }

            await KeySelfTestAnswer.WriteAsync(context, zones.Count, failed, opened);
        }
        catch (StorageUnavailableException)
        {
            await ErrorBody.WriteAsync(context, Unavailable);
        }
    }

    private bool Opens(string location, byte[] envelope)
    {
        var outcome = Css1Envelope.Open(keks, location, envelope, out var plaintext);
        plaintext?.Dispose();
        return outcome == Css1Outcome.Opened;
    }
}
