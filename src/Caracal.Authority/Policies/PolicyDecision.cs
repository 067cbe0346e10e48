using System.Collections.Immutable;
using Caracal.Authority.Approvals;
using Caracal.Rego;

namespace Caracal.Authority.Policies;

/// <summary>What policy answered for one resource. The default denies.</summary>
public sealed record PolicyDecision
{
    /// <summary>How many values and characters a list of the result may hold: it becomes evidence, whole.</summary>
    private const int LargestList = 65_536;

    public bool Allowed { get; init; }

    /// <summary>Anything but <c>complete</c> refuses the whole exchange.</summary>
    public string EvaluationStatus { get; init; } = "complete";

    /// <summary>Arrays of objects, as policy gave them.</summary>
    public RegoValue DeterminingPolicies { get; init; } = RegoValue.EmptyArray;
    public RegoValue Diagnostics { get; init; } = RegoValue.EmptyArray;

    /// <summary>The reason of the first diagnostic that states one, or null.</summary>
    public string? Reason { get; init; }

    /// <summary>Every declaration of every <c>step_up_required</c> diagnostic.</summary>
    public ImmutableArray<TierDeclaration> StepUp { get; init; } = [];

    public static PolicyDecision Deny(string reason) => new()
    {
        Reason = reason,
        Diagnostics = RegoValue.Array([new RegoObjectBuilder(1).Add("reason", reason).Build()]),
    };

    public static PolicyDecision Allow(string policy) => new()
    {
        Allowed = true,
        DeterminingPolicies = RegoValue.Array([new RegoObjectBuilder(1).Add("policy", policy).Build()]),
    };

    /// <summary>Reads the result document; undefined is a deny, a wrong shape is null, which is an engine error (sts.md 10.4).</summary>
    public static PolicyDecision? TryRead(RegoValue? result)
    {
        if (result is null)
        {
            return Deny("undefined_result");
        }

        if (result.Kind != RegoKind.Object
            || Text(result, "decision") is not ("allow" or "deny")
            || Text(result, "evaluation_status") is not { Length: > 0 } status
            || Objects(result, "determining_policies") is not { } policies
            || Objects(result, "diagnostics") is not { } diagnostics)
        {
            return null;
        }

        var allowed = Text(result, "decision") == "allow";
        if (!TryReadStepUp(diagnostics, out var stepUp))
        {
            return null;
        }

        return new PolicyDecision
        {
            Allowed = allowed && status == "complete",
            EvaluationStatus = status,
            DeterminingPolicies = policies,
            Diagnostics = diagnostics,
            Reason = FirstReason(diagnostics),
            StepUp = stepUp,
        };
    }

    private static string? Text(RegoValue value, string key) =>
        value.TryGet(key, out var member) && member.Kind == RegoKind.String ? member.AsString() : null;

    // Absent and null stand for the empty list; a set is written as a list in JSON and counts as one.
    private static RegoValue? Objects(RegoValue result, string key)
    {
        if (!result.TryGet(key, out var list) || list.Kind == RegoKind.Null)
        {
            return RegoValue.EmptyArray;
        }

        if (list.Kind is not (RegoKind.Array or RegoKind.Set) || list.Size > LargestList)
        {
            return null;
        }

        var items = list.Items;
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i].Kind != RegoKind.Object)
            {
                return null;
            }
        }

        return list;
    }

    private static string? FirstReason(RegoValue diagnostics)
    {
        var items = diagnostics.Items;
        for (var i = 0; i < items.Count; i++)
        {
            if (Text(items[i], "reason") is { Length: > 0 } reason)
            {
                return reason;
            }
        }

        return null;
    }

    // A step-up that cannot be read must not be lost: it would mint without the human.
    private static bool TryReadStepUp(RegoValue diagnostics, out ImmutableArray<TierDeclaration> declarations)
    {
        declarations = [];
        var items = diagnostics.Items;
        for (var i = 0; i < items.Count; i++)
        {
            if (!items[i].TryGet("step_up_required", out var required))
            {
                continue;
            }

            if (Text(required, "type") != "human_approval"
                || !required.TryGet("tiers", out var tiers)
                || tiers.Kind is not (RegoKind.Array or RegoKind.Set) || tiers.Count == 0)
            {
                return false;
            }

            var list = declarations.ToBuilder();
            foreach (var tier in tiers.Items)
            {
                if (ReadDeclaration(tier) is not { } declaration)
                {
                    return false;
                }

                list.Add(declaration);
            }

            declarations = list.ToImmutable();
        }

        return true;
    }

    private static TierDeclaration? ReadDeclaration(RegoValue tier)
    {
        if (Text(tier, "tier") is not { Length: > 0 } name
            || !TryOptional(tier, "approver", out var approver)
            || !TryOptional(tier, "privacy", out var privacy)
            || approver is not (null or "operator" or "subject" or "any")
            || privacy is not (null or "identified" or "pseudonymous" or "anonymous"))
        {
            return null;
        }

        if (!tier.TryGet("ttl_seconds", out var ttl))
        {
            return new TierDeclaration(name, approver, null, privacy);
        }

        // A whole number beyond 64 bits is a very long time, which the bounds shorten anyway.
        return ttl.Kind == RegoKind.Number && ttl > RegoValue.Number(0)
            ? new TierDeclaration(name, approver, ttl.TryGetInt64(out var seconds) ? seconds : long.MaxValue, privacy)
            : null;
    }

    private static bool TryOptional(RegoValue value, string key, out string? text)
    {
        text = null;
        if (!value.TryGet(key, out var member))
        {
            return true;
        }

        text = member.Kind == RegoKind.String ? member.AsString() : null;
        return text is not null;
    }
}
