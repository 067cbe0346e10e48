namespace Caracal.Verifier;

/// <summary>Steps 6 to 9 of gateway.md B3, in their order.</summary>
internal static class RequirementRules
{
    public static VerificationFailure? Judge(MandatePrincipal principal, MandateRequirements requirements)
    {
        if (!string.Equals(principal.Use, requirements.RequiredUse, StringComparison.Ordinal))
        {
            return Failures.InvalidToken;
        }

        foreach (var scope in requirements.RequiredScopes)
        {
            if (!principal.HasScope(scope))
            {
                return Failures.MissingScope(scope);
            }
        }

        foreach (var target in requirements.RequiredTargets)
        {
            if (target.Length == 0 || !principal.TargetResources.Contains(target, StringComparer.Ordinal))
            {
                return Failures.InvalidToken;
            }
        }

        return JudgeDelegation(principal, requirements);
    }

    private static VerificationFailure? JudgeDelegation(MandatePrincipal principal, MandateRequirements requirements)
    {
        if (requirements.RequireSession && principal.SessionId is null)
        {
            return Failures.SessionRequired;
        }

        if (requirements.RequireDelegation && principal.DelegationId is null)
        {
            return Failures.DelegationRequired;
        }

        if (principal.HopCount > (requirements.MaxHopCount > 0 ? requirements.MaxHopCount : MandateRequirements.DefaultMaximumHops))
        {
            return Failures.TooManyHops;
        }

        foreach (var application in requirements.RequireChainContains)
        {
            // In the chain itself: that the application acts is no delegation by it.
            if (application.Length == 0 || !principal.DelegationChain.Any(hop => hop.ApplicationId == application))
            {
                return Failures.MissingApplication(application);
            }
        }

        return null;
    }
}
