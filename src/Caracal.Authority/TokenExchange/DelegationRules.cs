using System.Collections.Immutable;
using Caracal.Authority.Delegations;
using Caracal.Protocol.Mandates;

namespace Caracal.Authority.TokenExchange;

/// <summary>What is asked of a Delegation.</summary>
/// <param name="Caller">The application that presents it.</param>
/// <param name="Scopes">Requested scopes; empty on a Gateway exchange.</param>
/// <param name="TtlSeconds">Requested lifetime; 0 when none.</param>
/// <param name="CrossApplicationChains">Setting <c>STS_CROSS_APPLICATION_CHAINS</c> (B16).</param>
public sealed record DelegationClaim(string Caller, IReadOnlyList<string> Scopes, long TtlSeconds, bool CrossApplicationChains);

/// <summary>The checks of sts.md 7 on a Session with a Delegation. Pure: facts and time come in, a proof or nothing comes out.</summary>
public static class DelegationRules
{
    /// <summary>Edges read upward at most: counted hops are limited to 10, inherited copies are not counted.</summary>
    public const int LongestLineage = 64;

    /// <summary>Null refuses.</summary>
    public static DelegationProof? Prove(DelegationFacts facts, SessionFacts? target, DelegationClaim claim, DateTimeOffset now)
    {
        if (target is null || facts.Source is null || facts.Lineage.IsDefaultOrEmpty)
        {
            return null;
        }

        var edge = facts.Lineage[0];
        if (!EndpointsHold(edge, facts.Source, target, claim.Caller, now)
            || edge.Constraints is not { } constraints
            || !Scopes.AreWithin(claim.Scopes, edge.Scopes)
            || (constraints.TtlSeconds is > 0 && claim.TtlSeconds > constraints.TtlSeconds)
            || !LineageHolds(facts.Lineage, now)
            || !ChainHolds(facts, claim.CrossApplicationChains))
        {
            return null;
        }

        return new DelegationProof
        {
            Edge = edge,
            Constraints = constraints,
            Source = facts.Source,
            Target = target,
            Path = Path(facts.Lineage),
            Budgeted = Budgeted(facts.Lineage),
            Chain = Chain(facts.Lineage),
            Epoch = facts.Epoch,
        };
    }

    // Step 1.
    private static bool EndpointsHold(EdgeFacts edge, SessionFacts source, SessionFacts target, string caller, DateTimeOffset now) =>
        edge.IsLive(now)
        && edge.TargetSessionId == target.Id
        && edge.SourceSessionId == source.Id
        && source.IsActive(now)
        && target.IsActive(now)
        && target.ApplicationId == caller
        && source.ApplicationId == edge.IssuerApplicationId
        && target.ApplicationId == edge.ReceiverApplicationId;

    // Steps 4 and 5: every edge up to one without a parent, no repeats, mirrors not counted. Each edge bounds what hangs
    // below it (docs/decisions 0006): the hops from it to the presented one, itself included, are within its own limit.
    private static bool LineageHolds(ImmutableArray<EdgeFacts> lineage, DateTimeOffset now)
    {
        var counted = 0;
        for (var i = 0; i < lineage.Length; i++)
        {
            var edge = lineage[i];
            if (!edge.IsLive(now) || Repeats(lineage, i))
            {
                return false;
            }

            counted += edge.IsMirror ? 0 : 1;
            if (edge.Constraints is not { } constraints || counted > constraints.Hops
                || (i + 1 < lineage.Length && edge.ParentEdgeId != lineage[i + 1].Id))
            {
                return false;
            }
        }

        return lineage[^1].ParentEdgeId is null;
    }

    private static bool Repeats(ImmutableArray<EdgeFacts> lineage, int index)
    {
        for (var i = 0; i < index; i++)
        {
            if (lineage[i].Id == lineage[index].Id)
            {
                return true;
            }
        }

        return false;
    }

    // Step 5: each issuer is the previous receiver; the root issuer is the immediate source's application, or with B16
    // the application of the root edge's own source Session.
    private static bool ChainHolds(DelegationFacts facts, bool crossApplication)
    {
        var lineage = facts.Lineage;
        for (var i = lineage.Length - 1; i > 0; i--)
        {
            if (lineage[i - 1].IssuerApplicationId != lineage[i].ReceiverApplicationId)
            {
                return false;
            }
        }

        var root = lineage[^1];
        var origin = crossApplication && lineage.Length > 1 ? facts.RootApplicationId : facts.Source!.ApplicationId;
        return root.IssuerApplicationId == origin;
    }

    private static ImmutableArray<string> Path(ImmutableArray<EdgeFacts> lineage)
    {
        var path = ImmutableArray.CreateBuilder<string>(lineage.Length);
        for (var i = lineage.Length - 1; i >= 0; i--)
        {
            path.Add(lineage[i].Id);
        }

        return path.MoveToImmutable();
    }

    private static ImmutableArray<string> Budgeted(ImmutableArray<EdgeFacts> lineage)
    {
        ImmutableArray<string>.Builder? budgeted = null;
        for (var i = lineage.Length - 1; i >= 0; i--)
        {
            if (lineage[i].HasBudget)
            {
                (budgeted ??= ImmutableArray.CreateBuilder<string>()).Add(lineage[i].Id);
            }
        }

        return budgeted?.ToImmutable() ?? [];
    }

    private static ImmutableArray<DelegationHop> Chain(ImmutableArray<EdgeFacts> lineage)
    {
        var chain = ImmutableArray.CreateBuilder<DelegationHop>(lineage.Length + 1);
        for (var i = lineage.Length - 1; i >= 0; i--)
        {
            chain.Add(new DelegationHop(lineage[i].IssuerApplicationId, lineage[i].SourceSessionId, lineage[i].Id));
        }

        chain.Add(new DelegationHop(lineage[0].ReceiverApplicationId, lineage[0].TargetSessionId, null));
        return chain.MoveToImmutable();
    }
}
