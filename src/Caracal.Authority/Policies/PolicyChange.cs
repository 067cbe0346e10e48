namespace Caracal.Authority.Policies;

/// <summary>How the answer of one policy to a question differs from the answer of another.</summary>
public enum PolicyChange
{
    Unchanged,
    NewlyAllowed,
    NewlyDenied,

    /// <summary>Allowed by both, but now a human has to agree.</summary>
    NewlyHeld,

    /// <summary>Allowed by both, and no human is asked any more.</summary>
    NoLongerHeld,
}

/// <summary>Compares answers by what follows from them, not by their words.</summary>
public static class PolicyChanges
{
    /// <summary>The change from <paramref name="then"/> to <paramref name="now"/>.</summary>
    public static PolicyChange Between(PolicyDecision then, PolicyDecision now)
    {
        if (Grants(then) != Grants(now)) return Grants(now) ? PolicyChange.NewlyAllowed : PolicyChange.NewlyDenied;
        if (!Grants(now) || then.StepUp.IsEmpty == now.StepUp.IsEmpty) return PolicyChange.Unchanged;
        return then.StepUp.IsEmpty ? PolicyChange.NewlyHeld : PolicyChange.NoLongerHeld;
    }

    // An answer that is not complete refuses the exchange whatever else it says.
    private static bool Grants(PolicyDecision decision) => decision.Allowed && decision.EvaluationStatus == "complete";
}
