using System.Globalization;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Approvals;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Approvals;

/// <summary><c>GET /approvals/{id}?wait=N</c> and its older alias (sts.md 8.5): the id is the capability, the state is all it shows.</summary>
internal sealed class ApprovalStatus(HoldStore holds, Database database, DatabaseClock clock)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan ReadAgain = TimeSpan.FromSeconds(5);

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        var id = (string?)context.Request.RouteValues["id"] ?? "";
        if (!TryReadWait(context.Request, out var wait))
        {
            await ErrorBody.WriteAsync(context, StsErrors.BadWait);
            return;
        }

        try
        {
            var hold = Guid.TryParseExact(id, "D", out _) ? await WaitAsync(id, wait, context.RequestAborted) : null;
            await (hold is null ? ErrorBody.WriteAsync(context, StsErrors.ApprovalUnknown) : WriteAsync(context, hold, hold.StateAt(clock.Now)));
        }
        catch (StorageUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
        }
    }

    private async Task<Hold?> WaitAsync(string id, TimeSpan wait, CancellationToken cancellationToken)
    {
        // Listening starts before the first look, so that a decision in between is not missed.
        using var decided = new SemaphoreSlim(0);
        using var listening = database.Listen(HoldDecisionStore.Channel, payload =>
        {
            if (string.Equals(payload, id, StringComparison.OrdinalIgnoreCase))
            {
                Wake(decided);
            }
        });
        var started = clock.Process.GetTimestamp();
        while (true)
        {
            var hold = await holds.FindAsync(id, cancellationToken);
            var left = wait - clock.Process.GetElapsedTime(started);
            if (hold is null || left <= TimeSpan.Zero || hold.StateAt(clock.Now) != "pending")
            {
                return hold;
            }

            await decided.WaitAsync(left < ReadAgain ? left : ReadAgain, cancellationToken);
        }
    }

    /// <summary>All that is ever told about a hold.</summary>
    public static Task WriteAsync(HttpContext context, Hold hold, string state) =>
        ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, hold.Id);
            writer.WriteString("state"u8, state);
            writer.WriteString("expires_at"u8, Timestamps.Seconds(hold.ExpiresAt));
            writer.WriteEndObject();
        });

    private static bool TryReadWait(HttpRequest request, out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        var text = request.Query["wait"];
        if (text.Count == 0)
        {
            return true;
        }

        if (text.Count > 1 || !long.TryParse(text[0], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
        {
            return false;
        }

        wait = seconds >= LongestWait.TotalSeconds ? LongestWait : TimeSpan.FromSeconds(seconds);
        return true;
    }

    private static void Wake(SemaphoreSlim semaphore)
    {
        try
        {
            semaphore.Release();
        }
        catch (ObjectDisposedException)
        {
            // The waiter has its answer.
        }
    }
}
