using Caracal.Hosting.Http;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage.Workloads;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Workloads;

/// <summary>Who launches: the checks both run endpoints begin with (sts.md 9.4). An unknown id costs the same work as a wrong secret and reads the same.</summary>
internal sealed class WorkloadAuthentication(ExchangeParts parts, LaunchStore workloads, LaunchAudit audit)
{
    private const string LaunchHeader = "X-Caracal-Launch-Id";

    public async ValueTask<(Launch? Launch, Refusal? Refusal)> RunAsync(
        HttpContext context, FormFields form, CancellationToken cancellationToken)
    {
        var id = form.Find("workload_id")?.Trim();
        var secret = form.Find("secret");
        if (string.IsNullOrEmpty(id) || string.IsNullOrEmpty(secret))
        {
            return (null, StsErrors.WorkloadFieldsMissing);
        }

        var blocked = await parts.Limits.IsBlockedAsync(id, cancellationToken);
        var workload = await workloads.FindAsync(id, cancellationToken);
        var now = parts.Clock.Now;
        if (!Matches(workload, secret, now, out var previous))
        {
            if (workload is not null)
            {
                await audit.AuthenticationFailedAsync(Begin(context, workload, now), cancellationToken);
            }

            return (null, !blocked && await parts.Limits.CountFailureAsync(id, cancellationToken) ? StsErrors.BadWorkload : StsErrors.RateLimited);
        }

        if (previous is not null)
        {
            await parts.PreviousSecrets.NoteAsync(previous, now, cancellationToken);
        }

        return workload!.ZoneArchivedAt is null ? (Begin(context, workload, now), null) : (null, StsErrors.ZoneArchived);
    }

    private static Launch Begin(HttpContext context, LaunchableWorkload workload, DateTimeOffset now)
    {
        var header = context.Request.Headers[LaunchHeader];
        var launch = header.Count == 1 && Guid.TryParseExact(header[0], "D", out var id) ? id.ToString() : null;
        return new Launch(workload, context.RequestId(), launch) { Now = now };
    }

    private static bool Matches(LaunchableWorkload? workload, string secret, DateTimeOffset now, out string? previousId)
    {
        previousId = null;
        if (SecretHash.Verify(workload?.SecretHash, secret))
        {
            return true;
        }

        return ClientSecrets.MatchesPrevious(workload?.PreviousSecrets ?? [], secret, now, out previousId);
    }
}
