using Caracal.Authority.Delegations;
using Caracal.Authority.Idempotency;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Idempotency;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Delegations;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Delegations;

/// <summary><c>POST /zones/{zoneId}/delegations</c>: the checks in the order of coordinator.md 8; the numbers are its steps.</summary>
internal sealed class CreateDelegation(
    Changes changes, DatabaseClock clock, SessionStore sessions, DelegationStore delegations, GraphEpochStore epochs,
    DelegatedResources resources, Receipts receipts, DelegationMessages messages)
{
    public async Task<Reply> HandleAsync(Call call)
    {
        var (request, refused) = DelegationRequest.Read(call.Body);
        if (request is null)
        {
            return refused!;
        }

        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        if (DelegationRules.Expiry(request.ExpiresAt, request.Constraints, now) is not { } expiresAt)
        {
            return DelegationRefusals.ExpiryRequired; // 1
        }

        if (!call.Caller.MayDelegateFrom(request.IssuerApplicationId))
        {
            return DelegationRefusals.IssuerOwnershipRequired; // 2
        }

        if (request.SourceSessionId == request.TargetSessionId)
        {
            return DelegationRefusals.SelfDelegation; // 3
        }

        if (request.IsBroad)
        {
            if (!call.Caller.MayDelegateBroadly(request.IssuerApplicationId))
            {
                return DelegationRefusals.BroadPermissionRequired; // 4
            }

            request = request.AsBroad();
        }

        var (key, keyRefusal) = RequestDigests.KeyOf(call); // 5
        if (keyRefusal is not null)
        {
            return keyRefusal;
        }

        var keyed = key is null ? null : Keyed(call, request, key);
        return await changes.RunAsync(call, work => CreateAsync(work, call, request, keyed, expiresAt, now));
    }

    private async Task<Reply> CreateAsync(
        Work work, Call call, DelegationRequest request, KeyedRequest? keyed, DateTimeOffset expiresAt, DateTimeOffset now)
    {
        if (keyed is not null && await receipts.BeginAsync(work, keyed, id => IsLiveAsync(work, call.ZoneId, id, now), now) is { } replay)
        {
            return replay;
        }

        await ZoneLocks.DelegationsAsync(work, call.ZoneId);
        var (found, refusal) = await resources.ResolveAsync(work.Connection, call.ZoneId, request);
        refusal = await CheckEndpointsAsync(work, call.ZoneId, request, now) // 6
            ?? refusal // 7
            ?? DelegatedResources.CheckScopes(found, request); // 8
        if (refusal is not null)
        {
            return refusal;
        }

        var inbound = await delegations.InboundAsync(work.Connection, call.ZoneId, request.SourceSessionId, null, null, now);
        var choice = DelegationRules.ChooseParent(inbound, request.ParentEdgeId, now); // 9
        if (choice.Refusal is not null)
        {
            return choice.Refusal;
        }

        var authority = new DelegatedAuthority(request.Scopes, found!.Reach, expiresAt, request.Constraints);
        var parentAuthority = choice.Parent is null ? null : await resources.AuthorityOfAsync(work.Connection, choice.Parent);
        if (choice.Parent is not null
            && (parentAuthority is null || !DelegationRules.Narrows(parentAuthority, authority)
                || !DelegationBudget.Narrows(choice.Parent.Budget, request.Budget)))
        {
            return DelegationRefusals.ExceedsParent;
        }

        var reachable = await delegations.ReachableAsync(work.Connection, call.ZoneId, request.TargetSessionId);
        if (DelegationRules.Leads(reachable, request.TargetSessionId, request.SourceSessionId, now))
        {
            return DelegationRefusals.CycleDenied; // 10
        }

        if (DelegationRules.CheckExpiry(expiresAt, choice.Parent, now) is { } expired)
        {
            return expired; // 11
        }

        var constraints = DelegationRules.SettleBudget(parentAuthority, authority);
        var edge = Make(call.ZoneId, request, found, choice.Parent, constraints, expiresAt, now);
        return await InsertAsync(work, request, keyed, edge, authority with { Constraints = constraints }, inbound, now);
    }

    private async Task<Reply> InsertAsync(
        Work work, DelegationRequest request, KeyedRequest? keyed, Delegation edge, DelegatedAuthority authority,
        IReadOnlyList<Delegation> inbound, DateTimeOffset now)
    {
        await delegations.InsertAsync(work, edge);
        var epoch = await epochs.EnsureAsync(work, edge.ZoneId, now);
        await messages.CreatedAsync(work, edge, epoch, now);
        var considered = inbound.Where(e => e.IsLive(now)).Select(e => e.Id).ToArray();
        var reply = CreatedDelegation.Reply(edge, authority, considered, request.IsBroad);
        if (keyed is not null)
        {
            await receipts.StoreAsync(work, keyed, "delegation", edge.Id, reply, now);
        }

        return reply;
    }

    private async Task<Refusal?> CheckEndpointsAsync(Work work, string zoneId, DelegationRequest request, DateTimeOffset now)
    {
        var source = await sessions.FindAsync(work.Connection, zoneId, request.SourceSessionId);
        var target = await sessions.FindAsync(work.Connection, zoneId, request.TargetSessionId);
        if (source is null || target is null || !SessionRules.IsLive(source, now) || !SessionRules.IsLive(target, now))
        {
            return DelegationRefusals.EndpointNotFound;
        }

        return source.ApplicationId == request.IssuerApplicationId && target.ApplicationId == request.ReceiverApplicationId
            ? null
            : DelegationRefusals.ApplicationMismatch;
    }

    private async Task<bool> IsLiveAsync(Work work, string zoneId, string id, DateTimeOffset now) =>
        await delegations.FindAsync(work.Connection, zoneId, id) is { } edge && edge.IsLive(now);

    private static KeyedRequest Keyed(Call call, DelegationRequest request, string key) => new()
    {
        Operation = IdempotentOperation.DelegationCreate,
        ZoneId = call.ZoneId,
        ScopeId = request.IssuerApplicationId,
        Key = key,
        RequestDigest = request.Digest(call.Caller),
    };

    private static Delegation Make(
        string zoneId, DelegationRequest request, ResolvedResources found, Delegation? parent, DelegationConstraints constraints,
        DateTimeOffset expiresAt, DateTimeOffset now) => new()
        {
            Id = Ids.New(),
            ZoneId = zoneId,
            SourceSessionId = request.SourceSessionId,
            TargetSessionId = request.TargetSessionId,
            IssuerApplicationId = request.IssuerApplicationId,
            ReceiverApplicationId = request.ReceiverApplicationId,
            ParentEdgeId = parent?.Id,
            ResourceId = found.NamedId,
            Scopes = request.Scopes,
            ConstraintsJson = constraints.ToJson(),
            Status = DelegationStatus.Active,
            ExpiresAt = expiresAt,
            BudgetCalls = request.Budget?.Calls,
            BudgetUnit = request.Budget is null ? null : request.Budget.Unit ?? parent?.BudgetUnit,
            CreatedAt = now,
            UpdatedAt = now,
        };
}
