using Caracal.Protocol.Exchange;
using Caracal.Storage;
using Caracal.Streams.State;

namespace Caracal.Sts.Providers;

/// <summary>Counts what token endpoints say to a client credential that was put in use a moment ago; the API judges by it.</summary>
internal sealed class CredentialWatches(ISharedState state, DatabaseClock clock)
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(8);

    public async ValueTask CountAsync(CredentialWatch? watch, TokenOutcome outcome, CancellationToken cancellationToken)
    {
        if (watch is null || clock.Now.ToUnixTimeSeconds() > watch.Until)
        {
            return;
        }

        await state.IncrementAsync(watch.AnswersKey, Kept, cancellationToken);
        if (outcome.RefusedClient)
        {
            await state.IncrementAsync(watch.RefusalsKey, Kept, cancellationToken);
        }
    }
}
