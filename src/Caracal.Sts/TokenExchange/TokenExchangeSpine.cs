using System.Collections.Immutable;
using Caracal.Evidence.Journals;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Sts.TokenExchange.Steps;

namespace Caracal.Sts.TokenExchange;

/// <summary>
/// The token exchange in the order of sts.md 2.1. Steps 1 and 2 (method, query, media type, body) are HTTP's and live in
/// <see cref="TokenEndpoint"/>; a call in this process has neither.
/// </summary>
internal sealed class TokenExchangeSpine(ExchangeParts parts)
{
    /// <summary>The steps; the first that refuses answers.</summary>
    public ImmutableArray<IExchangeStep> Steps { get; } =
    [
        new RefuseForbiddenFields(),            // 3
        new CheckLifetimeField(parts),          // 4, and the range of 20 (B2)
        new VerifyGatewaySignature(parts),      // 5
        new CheckResourceFields(),              // 6
        new CheckGrantFields(parts),            // 7
        new CheckAuthenticationLimit(parts),    // 8
        new ReadFacts(parts),                   // the one read everything below decides on (B3)
        new AuthenticateClient(parts),          // 9
        new FederateUser(parts),                // 10
        new RequireResource(),                  // 11
        new RequireDatabaseTime(parts),         // 12
        new VerifySubjectToken(parts),          // 13
        new CheckPresentedApproval(parts),      // 14
        new CheckSessionAndDelegation(parts),   // 15
        new DecideResources(parts),             // 16
        new HoldForApproval(parts),             // 17
        new RefuseWhenNothingGranted(parts),    // 18
        new RequireGatewayForSubjectTokens(),   // 19
        new ChooseLifetime(parts),              // 20
        new RecordAndSign(parts),               // 21
        new BuildUpstreams(parts),              // 22
    ];

    /// <summary>Runs the steps to a mandate or a refusal. A dependency that fails is 503, never a refusal that reads like "no" (B5).</summary>
    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var step in Steps)
            {
                var verdict = await step.RunAsync(exchange, cancellationToken);
                if (!verdict.GoesOn)
                {
                    return verdict;
                }
            }

            return Verdict.Granted;
        }
        catch (Exception fault) when (fault is StorageUnavailableException or StreamsUnavailableException or JournalUnavailableException)
        {
            parts.Metrics.DependencyFailed();
            return StsErrors.Unavailable;
        }
    }
}
