namespace Caracal.Sts.PolicyShadows;

/// <summary>A zone that decides here, and the shadow it has, if any. The look for one is made by whoever is told to, once each interval.</summary>
internal sealed class ShadowedZone
{
    private long _lookAtTicks;
    private int _lookDue;
    private RunningShadow? _shadow;

    public RunningShadow? Shadow
    {
        get => Volatile.Read(ref _shadow);
        set => Volatile.Write(ref _shadow, value);
    }

    /// <summary>The shadow to ask at <paramref name="now"/>, or null.</summary>
    public RunningShadow? ShadowAt(DateTimeOffset now) => Shadow is { Candidate: not null } shadow && shadow.Order.IsRunningAt(now) ? shadow : null;

    /// <summary>True for one caller in each interval.</summary>
    public bool ClaimLook(DateTimeOffset now, TimeSpan interval)
    {
        var at = Interlocked.Read(ref _lookAtTicks);
        if (now.UtcTicks < at || Interlocked.CompareExchange(ref _lookAtTicks, now.UtcTicks + interval.Ticks, at) != at)
        {
            return false;
        }

        Volatile.Write(ref _lookDue, 1);
        return true;
    }

    /// <summary>Whether a look was claimed and not yet made.</summary>
    public bool TakeLook() => Interlocked.Exchange(ref _lookDue, 0) == 1;
}
