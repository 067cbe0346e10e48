using Caracal.Authority.Policies;

namespace Caracal.Sts.PolicyShadows;

/// <summary>Counts over all shadows of this instance, for metrics.</summary>
internal sealed class ShadowFigures
{
    private readonly long[] _changes = new long[Enum.GetValues<PolicyChange>().Length];
    private long _errors;
    private long _dropped;

    public long Errors => Interlocked.Read(ref _errors);
    public long Dropped => Interlocked.Read(ref _dropped);

    public long Of(PolicyChange change) => Interlocked.Read(ref _changes[(int)change]);

    public void Compared(PolicyChange change, bool failed)
    {
        Interlocked.Increment(ref _changes[(int)change]);
        if (failed)
        {
            Interlocked.Increment(ref _errors);
        }
    }

    public void QuestionDropped() => Interlocked.Increment(ref _dropped);

    /// <summary>The change as reports and series name it.</summary>
    public static string NameOf(PolicyChange change) => change switch
    {
        PolicyChange.NewlyAllowed => "newly_allowed",
        PolicyChange.NewlyDenied => "newly_denied",
        PolicyChange.NewlyHeld => "newly_held",
        PolicyChange.NoLongerHeld => "no_longer_held",
        _ => "unchanged",
    };
}
