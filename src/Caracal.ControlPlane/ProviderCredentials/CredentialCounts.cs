using System.Globalization;
using Caracal.Protocol.Exchange;
using Caracal.Storage.ProviderCredentials;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>What upstreams have said to a credential since its shift, as every Gateway and STS counted it.</summary>
internal sealed class CredentialCounts(ISharedState state)
{
    /// <summary>The change with the counts so far; with the ones it has when they cannot be read now.</summary>
    public async Task<CredentialChange> OfAsync(CredentialChange change, CancellationToken cancellationToken)
    {
        try
        {
            var watch = new CredentialWatch(change.ProviderId, change.CredentialVersion, 0);
            return change with
            {
                Answers = Number(await state.GetAsync(watch.AnswersKey, cancellationToken)),
                Refusals = Number(await state.GetAsync(watch.RefusalsKey, cancellationToken)),
            };
        }
        catch (StreamsUnavailableException)
        {
            return change;
        }
    }

    /// <summary>Starts the counts anew; what cannot be reached keeps counting on.</summary>
    public async Task RenewAsync(CredentialChange change, CancellationToken cancellationToken)
    {
        try
        {
            var watch = new CredentialWatch(change.ProviderId, change.CredentialVersion, 0);
            await state.DeleteAsync(watch.RefusalsKey, cancellationToken);
            await state.DeleteAsync(watch.AnswersKey, cancellationToken);
        }
        catch (StreamsUnavailableException)
        {
            // The same refusals are looked at again in a moment.
        }
    }

    private static long Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
