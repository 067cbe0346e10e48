using System.Globalization;
using System.Text.Json;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Run;

/// <summary>The visible wait for a person's decision (cli.md 6.4).</summary>
internal static class LaunchApproval
{
    private const int LongestPoll = 25;
    private static readonly TimeSpan WithoutExpiry = TimeSpan.FromSeconds(300);
    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(5);

    /// <summary>Returns when the hold was approved.</summary>
    /// <exception cref="LaunchFailure">It was rejected, expired, consumed, or nobody decided in time.</exception>
    public static async Task WaitAsync(LaunchClient client, LaunchHold hold, LaunchBinding binding, Terminal terminal, CancellationToken stop)
    {
        terminal.WriteError(Scrubber.Scrub(JsonSerializer.Serialize(
            new { resource = binding.Resource, approval_id = hold.Id, binding = hold.Binding, expires_at = hold.ExpiresAt, reason = "approval_required" })) + "\n");
        var wait = Remaining(hold);
        terminal.WriteError($"waiting up to {wait.TotalSeconds:0} s for approval {hold.Id} of {binding.Resource} (console: Approvals, or the Admin API)\n");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(wait);
        var state = "pending";
        try
        {
            state = await PollAsync(client, hold, DateTimeOffset.UtcNow + wait, deadline.Token);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            // The deadline: what is still pending was not approved.
        }

        if (state == "approved")
        {
            terminal.WriteError($"approved: {binding.Resource}\n");
            return;
        }

        throw new LaunchFailure($"approval_{state}", state == "pending" ? "nobody approved in time" : $"the approval was {state}");
    }

    private static async Task<string> PollAsync(LaunchClient client, LaunchHold hold, DateTimeOffset end, CancellationToken stop)
    {
        var pause = 0.5;
        while (true)
        {
            var seconds = (int)Math.Clamp((end - DateTimeOffset.UtcNow).TotalSeconds, 1, LongestPoll);
            switch (await client.ApprovalStateAsync(hold.Id, seconds, stop))
            {
                case null:
                    await Task.Delay(TimeSpan.FromSeconds(pause), stop);
                    pause = Math.Min(pause * 2, 5);
                    break;
                case "pending":
                    pause = 0.5;
                    break;
                case "approved":
                    return "approved";
                case "rejected":
                    return "rejected";
                case "consumed":
                    return "consumed";
                default:
                    return "expired";
            }
        }
    }

    private static TimeSpan Remaining(LaunchHold hold)
    {
        if (!DateTimeOffset.TryParse(hold.ExpiresAt, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end)) return WithoutExpiry;
        var left = end - DateTimeOffset.UtcNow;
        return left < ShortestWait ? ShortestWait : left;
    }
}
