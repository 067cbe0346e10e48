using Caracal.Sdk.Events;
using Caracal.Sdk.Sessions;

namespace Caracal.Sdk;

/// <summary>Sessions and delegations.</summary>
public sealed partial class CaracalClient
{
    /// <summary>Starts a Session, runs <paramref name="body"/> as it, and ends it: also when the body fails or is cancelled.</summary>
    public async Task<T> RunSessionAsync<T>(
        Func<CaracalContext, CancellationToken, Task<T>> body, AgentSessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        using var activity = Telemetry.Activities.StartActivity("caracal.session");
        var (context, _) = await _sessions.StartAsync(options ?? new AgentSessionOptions(), service: false, cancellationToken).ConfigureAwait(false);
        activity?.SetTag("caracal.session_id", context.SessionId);
        T result;
        try
        {
            result = await CaracalContext.BindAsync(context, () => body(context, cancellationToken)).ConfigureAwait(false);
        }
        catch
        {
            await _sessions.RetireAsync(context.ZoneId, context.SessionId!, generation: null, quiet: true, context).ConfigureAwait(false);
            throw;
        }

        await _sessions.RetireAsync(context.ZoneId, context.SessionId!, generation: null, quiet: false, context).ConfigureAwait(false);
        return result;
    }

    /// <summary>Starts a Session, runs <paramref name="body"/> as it, and ends it.</summary>
    public Task RunSessionAsync(Func<CaracalContext, CancellationToken, Task> body, AgentSessionOptions? options = null, CancellationToken cancellationToken = default) =>
        RunSessionAsync<object?>(
            async (context, stop) =>
            {
                await body(context, stop).ConfigureAwait(false);
                return null;
            },
            options,
            cancellationToken);

    /// <summary>Starts a long-lived Session and keeps its lease until the handle is disposed.</summary>
    public async Task<SessionHandle> StartSessionAsync(ServiceSessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        var session = options ?? new ServiceSessionOptions();
        if (session.TtlSeconds is not null) throw new ArgumentException("a long-lived Session has a lease, no lifetime", nameof(options));
        var (context, started) = await _sessions.StartAsync(session, service: true, cancellationToken).ConfigureAwait(false);
        return Begin(context, new LeaseState { HeartbeatDeadlineAt = started.HeartbeatDeadlineAt, LeaseGeneration = started.LeaseGeneration!.Value }, session);
    }

    /// <summary>Takes a long-lived Session over, for example after a restart; the holder before is fenced. Delegations have to be accepted again.</summary>
    public async Task<SessionHandle> AttachSessionAsync(string sessionId, ServiceSessionOptions? options = null, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        var (zone, application) = await _lifecycle.IdentityAsync(cancellationToken).ConfigureAwait(false);
        var context = new CaracalContext(zone, application, _lifecycle.BearerAsync) { SessionId = sessionId };
        var call = new CoordinatorCall(HttpMethod.Post, $"/zones/{CoordinatorClient.Escape(zone)}/agents/{CoordinatorClient.Escape(sessionId)}/lease") { Context = context };
        var lease = await _lifecycle.WithTokenAsync((bearer, stop) => _coordinator.ReadAsync(call, bearer, SdkJson.Default.LeaseState, stop), cancellationToken).ConfigureAwait(false);
        return Begin(context, lease, options ?? new ServiceSessionOptions());
    }

    /// <summary>Offers part of the bound Session's authority to another Session; the context does not change.</summary>
    public async Task<DelegationGrant> DelegateAsync(DelegationOffer offer, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(offer.TtlSeconds, nameof(offer));
        var context = CaracalContext.Current is { SessionId: not null } bound ? bound : throw new InvalidOperationException("delegating needs a bound Session");
        var body = new DelegationBody
        {
            SourceSessionId = context.SessionId!,
            TargetSessionId = offer.ToSession,
            IssuerApplicationId = context.ApplicationId,
            ReceiverApplicationId = offer.ToApplication ?? context.ApplicationId,
            ParentEdgeId = context.DelegationId,
            ResourceId = offer.ResourceId,
            Scopes = offer.Scopes,
            Constraints = offer.Constraints,
            Budget = offer.Budget,
            TtlSeconds = offer.TtlSeconds,
        };
        var call = new CoordinatorCall(HttpMethod.Post, $"/zones/{CoordinatorClient.Escape(context.ZoneId)}/delegations", CoordinatorClient.Write(body, SdkJson.Default.DelegationBody))
        {
            IdempotencyKey = Guid.NewGuid().ToString(),
            Context = context,
        };
        var created = await _sessions.RetryAsync(
            async stop => await _coordinator.ReadAsync(call, await context.Bearer(stop).ConfigureAwait(false), SdkJson.Default.DelegationCreated, stop).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        return created.DelegationEdgeId is { } id
            ? new DelegationGrant(id, created.Scopes ?? offer.Scopes, created.ExpiresAt)
            : throw new CoordinatorException("POST", call.Path, 502, "invalid_answer", null, "");
    }

    /// <summary>Takes a Delegation back, with everything that came of it.</summary>
    public async Task RevokeDelegationAsync(string delegationId, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        var (zone, _) = await _lifecycle.IdentityAsync(cancellationToken).ConfigureAwait(false);
        var call = new CoordinatorCall(HttpMethod.Patch, $"/zones/{CoordinatorClient.Escape(zone)}/delegations/{CoordinatorClient.Escape(delegationId)}/revoke") { Context = CaracalContext.Current };
        await _lifecycle.WithTokenAsync((bearer, stop) => _coordinator.SendAsync(call, bearer, stop), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Runs <paramref name="body"/> with the authority of a Delegation that was offered to the bound Session.</summary>
    /// <param name="delegationId">The offer.</param>
    /// <param name="body">Runs with it.</param>
    /// <param name="validate">True asks the Coordinator first whether it is live; false leaves that to the STS.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<T> AcceptDelegationAsync<T>(
        string delegationId, Func<CaracalContext, CancellationToken, Task<T>> body, bool validate = false, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        var begin = _telemetry.Begin();
        var context = CaracalContext.Current is { SessionId: not null } bound ? bound : throw new InvalidOperationException("accepting a Delegation needs a bound Session");
        var ok = false;
        try
        {
            if (validate) await ValidateAsync(context, delegationId, cancellationToken).ConfigureAwait(false);
            ok = true;
        }
        finally
        {
            if (_telemetry.IsWanted) _telemetry.Raise(new DelegationAcceptEvent(delegationId, context.SessionId!, validate, ok, _telemetry.Since(begin)));
        }

        var accepted = context with
        {
            ParentDelegationId = context.DelegationId,
            DelegationId = delegationId,
            Hop = Math.Min(context.Hop + 1, Protocol.Context.ContextEnvelope.MaximumHops),
        };
        return await CaracalContext.BindAsync(accepted, () => body(accepted, cancellationToken)).ConfigureAwait(false);
    }

    internal async Task<LeaseState> HeartbeatAsync(CaracalContext context, string status, long generation, CancellationToken cancellationToken)
    {
        var body = CoordinatorClient.Write(new HeartbeatBody(status, generation), SdkJson.Default.HeartbeatBody);
        var call = new CoordinatorCall(HttpMethod.Post, $"/zones/{CoordinatorClient.Escape(context.ZoneId)}/agents/{CoordinatorClient.Escape(context.SessionId!)}/heartbeat", body) { Context = context };
        var answer = await _lifecycle.WithTokenAsync((bearer, stop) => _coordinator.ReadAsync(call, bearer, SdkJson.Default.HeartbeatAnswer, stop), cancellationToken).ConfigureAwait(false);
        return answer.Agent ?? throw new CoordinatorException("POST", call.Path, 502, "invalid_answer", null, "");
    }

    internal Task CloseAsync(SessionHandle handle) =>
        _sessions.RetireAsync(handle.Context.ZoneId, handle.Id, handle.LeaseGeneration, quiet: false, handle.Context);

    private SessionHandle Begin(CaracalContext context, LeaseState lease, ServiceSessionOptions options)
    {
        var handle = new SessionHandle(this, context, lease, options);
        handle.Begin();
        return handle;
    }

    private async Task ValidateAsync(CaracalContext context, string delegationId, CancellationToken cancellationToken)
    {
        var path = $"/zones/{CoordinatorClient.Escape(context.ZoneId)}/delegations/inbound/{CoordinatorClient.Escape(context.SessionId!)}/{CoordinatorClient.Escape(delegationId)}";
        var call = new CoordinatorCall(HttpMethod.Get, path) { Context = context };
        var found = await _lifecycle.WithTokenAsync((bearer, stop) => _coordinator.ReadAsync(call, bearer, SdkJson.Default.InboundDelegation, stop), cancellationToken).ConfigureAwait(false);
        if (found.Status != "active") throw new CoordinatorException("GET", path, 409, "delegation_not_active", null, "");
    }
}
