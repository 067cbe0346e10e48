using Caracal.Storage.ZoneKeys;

namespace Caracal.ControlPlane.ZoneKeys;

/// <summary>What a rotation asks for (api.md 4.2).</summary>
internal sealed record RotationRequest(bool Immediate, TimeSpan Prepublish, bool Force, bool Compromised);

/// <summary>What a rotation does with the keys that are there; a refusal changes nothing.</summary>
internal sealed record RotationPlan
{
    /// <summary>Two keys are published and nothing allows a third.</summary>
    public bool InProgress { get; init; }

    /// <summary>The key whose time to sign has come meanwhile.</summary>
    public ZoneKeyRow? Activate { get; init; }

    /// <summary>Keys that leave JWKS, with the state they end in.</summary>
    public IReadOnlyList<(ZoneKeyRow Key, string State)> Leave { get; init; } = [];

    /// <summary>The key that signed until now and steps back to <c>previous</c>.</summary>
    public ZoneKeyRow? StepsBack { get; init; }

    /// <summary>The new key signs at once.</summary>
    public bool SignsAtOnce { get; init; }

    /// <summary>The other key JWKS goes on listing.</summary>
    public string? PreviousKeyId { get; init; }

    /// <summary>The key this call retired, or declared compromised.</summary>
    public string? EvictedKeyId { get; init; }

    public bool LiveMandatesMayFail { get; init; }

    /// <summary>When the evicted compromised key began to sign.</summary>
    public DateTimeOffset? CompromisedSince { get; init; }
}

/// <summary>The states of zone signing keys (operations.md 4.6.2), decided without touching anything.</summary>
internal static class ZoneKeyRotation
{
    /// <summary>The longest a mandate can live, skew and caches included: earlier, a retired key breaks live mandates.</summary>
    public static readonly TimeSpan RetireGate = TimeSpan.FromSeconds(3960);

    /// <summary>The default overlap, shown as the earliest retirement.</summary>
    public static readonly TimeSpan Overlap = TimeSpan.FromHours(24);

    public static RotationPlan Plan(IReadOnlyList<ZoneKeyRow> keys, RotationRequest request, DateTimeOffset now)
    {
        var next = keys.FirstOrDefault(key => key.State == "next");
        var active = keys.FirstOrDefault(key => key.State == "active");
        var previous = keys.FirstOrDefault(key => key.State == "previous");
        List<(ZoneKeyRow, string)> leave = [];
        ZoneKeyRow? due = null;
        if (next is not null && next.ActivatesAt <= now)
        {
            // The STS does the same on its own clock; whoever comes first (operations.md 4.6.2).
            if (previous is not null) leave.Add((previous, "retired"));
            (due, previous, active, next) = (next, active, next, null);
        }

        var stopped = due?.ActivatesAt ?? active?.ActivatesAt ?? now;
        if (previous is not null && now >= stopped + RetireGate)
        {
            // README ruling 19: an overlap that has passed does not stand in the way.
            leave.Add((previous, "retired"));
            previous = null;
        }

        var plan = new RotationPlan { Activate = due };
        if (request.Compromised) return Compromise(plan, leave, next, active, previous);
        var other = next ?? previous;
        if (other is not null && !request.Force) return plan with { InProgress = true };
        if (other is not null) leave.Add((other, "retired"));
        var atOnce = request.Immediate || request.Prepublish == TimeSpan.Zero || active is null;
        return plan with
        {
            Leave = leave,
            StepsBack = atOnce ? active : null,
            SignsAtOnce = atOnce,
            PreviousKeyId = active?.Id,
            EvictedKeyId = other?.Id,
            LiveMandatesMayFail = other is { State: not "next" } && now < stopped + RetireGate,
        };
    }

    private static RotationPlan Compromise(
        RotationPlan plan, List<(ZoneKeyRow, string)> leave, ZoneKeyRow? next, ZoneKeyRow? active, ZoneKeyRow? previous)
    {
        if (next is not null) leave.Add((next, "retired"));
        if (active is not null) leave.Add((active, "compromised"));
        return plan with
        {
            Leave = leave,
            SignsAtOnce = true,
            PreviousKeyId = previous?.Id,
            EvictedKeyId = active?.Id,
            CompromisedSince = active is null ? null : active.ActivatesAt ?? active.CreatedAt,
        };
    }
}
