using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Authority.TokenExchange;

namespace Caracal.Sts.PolicyShadows;

/// <summary>A question that has been decided, to be put to a candidate as well.</summary>
internal sealed record ShadowQuestion(PolicyRequest Request, ExchangeResource Resource, PolicyDecision Decided, DateTimeOffset At)
{
    /// <summary>The question with its answer; an active set that could not answer has refused.</summary>
    public static ShadowQuestion Of(PolicyRequest request, ExchangeResource resource, PolicyEvaluation answer, DateTimeOffset at) =>
        new(request, resource, answer.Decision ?? PolicyDecision.Deny(answer.Error), at);
}
