using Caracal.Protocol.Exchange;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.Extensions.Logging;

namespace Caracal.Sts.Providers;

/// <summary>
/// Counts what token endpoints say to a client credential that was put in use a moment ago; the API judges by it. A count that
/// is lost delays that; it is no reason to lose the tokens of the answer.
/// </summary>
internal sealed partial class CredentialWatches(ISharedState state, DatabaseClock clock, ILogger log)
{
    private readonly CredentialTally tally = new(state);

    public async ValueTask CountAsync(CredentialWatch? watch, TokenOutcome outcome, CancellationToken cancellationToken)
    {
        try
        {
            await tally.CountAsync(watch, outcome.RefusedClient, clock.Now, cancellationToken);
        }
        catch (StreamsUnavailableException fault)
        {
            Uncounted(log, fault, watch!.ProviderId);
        }
    }

    [LoggerMessage(EventId = 2020, EventName = "credential_uncounted", Level = LogLevel.Warning,
        Message = "the token endpoint's answer to a new credential of provider {ProviderId} was not counted")]
    private static partial void Uncounted(ILogger logger, Exception fault, string providerId);
}
