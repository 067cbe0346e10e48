using Caracal.Protocol.Exchange;

namespace Caracal.Streams.State;

/// <summary>Counts what upstreams and token endpoints say to a credential that was put in use a moment ago; the API judges by it.</summary>
/// <param name="state">Where every Gateway and STS counts together.</param>
public sealed class CredentialTally(ISharedState state)
{
    // The longest observation, and the API's last look at it.
    private static readonly TimeSpan Kept = TimeSpan.FromDays(8);

    /// <summary>Nothing is counted without a watch, or after its end.</summary>
    /// <exception cref="StreamsUnavailableException">The count is lost, which only delays a fall-back.</exception>
    public ValueTask CountAsync(CredentialWatch? watch, bool refused, DateTimeOffset now, CancellationToken cancellationToken) =>
        watch is null || now.ToUnixTimeSeconds() > watch.Until ? ValueTask.CompletedTask : IncrementAsync(watch, refused, cancellationToken);

    private async ValueTask IncrementAsync(CredentialWatch watch, bool refused, CancellationToken cancellationToken)
    {
        await state.IncrementAsync(watch.AnswersKey, Kept, cancellationToken);
        if (refused) await state.IncrementAsync(watch.RefusalsKey, Kept, cancellationToken);
    }
}
