using System.Net.Http.Headers;
using Caracal.Sdk.Events;
using Caracal.Sdk.TokenExchange;

namespace Caracal.Sdk.Approvals;

/// <summary>Waits for a person's decision, and brings one (sdk.md 3).</summary>
internal sealed class ApprovalClient(CaracalOptions options, HttpMessageInvoker http, Telemetry telemetry)
{
    public static readonly TimeSpan DefaultWait = TimeSpan.FromSeconds(300);
    private const int LongestPoll = 25;

    private readonly string _base = options.StsUrl.TrimEnd('/');

    public async Task<string> WaitAsync(string id, TimeSpan limit, CancellationToken cancellationToken)
    {
        var begin = telemetry.Begin();
        var state = "pending";
        try
        {
            state = await PollAsync(id, limit, begin, cancellationToken).ConfigureAwait(false);
            return state;
        }
        finally
        {
            if (telemetry.IsWanted) telemetry.Raise(new ApprovalWaitEvent(id, state, state == "approved", telemetry.Since(begin)));
        }
    }

    public async Task DecideAsync(string id, string decision, string binding, string? reason, string bearer, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_base}/approvals/{Uri.EscapeDataString(id)}/decision")
        {
            Content = new ByteArrayContent(Sessions.CoordinatorClient.Write(new DecisionBody(decision, binding, reason), SdkJson.Default.DecisionBody))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            },
        };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + bearer);
        using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode) throw TokenAnswer.Error((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false));
    }

    private async Task<string> PollAsync(string id, TimeSpan limit, long begin, CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(250);
        while (true)
        {
            var left = limit - telemetry.Since(begin);
            if (left <= TimeSpan.Zero) return "pending";
            var seconds = (int)Math.Clamp(Math.Ceiling(left.TotalSeconds), 1, LongestPoll);
            var state = await AskAsync(id, seconds, cancellationToken).ConfigureAwait(false);
            switch (state)
            {
                case "approved" or "rejected" or "expired" or "consumed":
                    return state;
                case "pending":
                    pause = TimeSpan.FromMilliseconds(250);
                    break;
                case null: // a poll that failed: the decision may still come
                    await Task.Delay(pause < left ? pause : left, options.Time, cancellationToken).ConfigureAwait(false);
                    pause = pause < TimeSpan.FromSeconds(4) ? pause * 2 : pause;
                    break;
                default:
                    throw new CaracalException("approval_state_unknown", $"the STS answered with the state '{state}'", 200);
            }
        }
    }

    private async Task<string?> AskAsync(string id, int seconds, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(seconds + 10));
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{_base}/approvals/{Uri.EscapeDataString(id)}?wait={seconds}");
            using var response = await http.SendAsync(request, limit.Token).ConfigureAwait(false);
            var status = (int)response.StatusCode;
            if (status >= 500 || status == 429) return null;
            var body = await response.Content.ReadAsByteArrayAsync(limit.Token).ConfigureAwait(false);
            return status == 200 ? SdkJson.TryRead(body, SdkJson.Default.ApprovalState)?.State ?? "" : throw TokenAnswer.Error(status, body);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }
}
