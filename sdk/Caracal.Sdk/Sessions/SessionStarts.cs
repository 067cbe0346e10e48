using Caracal.Sdk.TokenExchange;

namespace Caracal.Sdk.Sessions;

/// <summary>Starts Sessions and ends them (sdk.md 5), with the retries that are safe because every start has a key.</summary>
internal sealed class SessionStarts(CaracalOptions options, LifecycleToken lifecycle, CoordinatorClient coordinator)
{
    private const int MoreTries = 2;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>Starts a Session with the authority its options say, and returns its context.</summary>
    public async Task<(CaracalContext Context, StartedSession Session)> StartAsync(AgentSessionOptions session, bool service, CancellationToken cancellationToken)
    {
        var parent = CaracalContext.Current;
        if (parent?.SessionId is { } bound && session.ParentId is { } named && named != bound)
        {
            throw new InvalidOperationException($"a Session is bound ({bound}); a child of another one ({named}) cannot be started from inside it");
        }

        var credentials = await lifecycle.IdentityAsync(cancellationToken).ConfigureAwait(false);
        var key = session.IdempotencyKey ?? Guid.NewGuid().ToString();
        var context = Root(credentials, parent, session);
        var started = await PostAsync(session, service, credentials, parent, context, key, cancellationToken).ConfigureAwait(false);
        var id = started.AgentSessionId!;
        var delegation = started.DelegationEdgeId;
        if (session.Authority is NarrowedAuthority narrow)
        {
            try
            {
                delegation = await NarrowAsync(narrow, parent, credentials, id, "narrow:" + key, cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                await RetireAsync(credentials.Zone, id, started.LeaseGeneration, quiet: true).ConfigureAwait(false);
                throw;
            }
        }

        return (context with
        {
            SessionId = id,
            AuthorityRecordId = context.AuthorityRecordId ?? started.SubjectAuthorityRecordId,
            DelegationId = delegation,
            ParentDelegationId = parent?.DelegationId,
            Hop = Math.Min((parent?.Hop ?? 0) + (delegation is not null && parent is not null ? 1 : 0), Protocol.Context.ContextEnvelope.MaximumHops),
        }, started);
    }

    /// <summary>Ends a Session with a limit of its own: also when whoever asked has given up. Gone already counts as ended.</summary>
    public async Task RetireAsync(string zone, string id, long? generation, bool quiet, CaracalContext? context = null)
    {
        using var limit = new CancellationTokenSource(CoordinatorClient.Limit);
        var body = generation is > 0 ? CoordinatorClient.Write(new CloseBody(generation.Value), SdkJson.Default.CloseBody) : null;
        var call = new CoordinatorCall(HttpMethod.Delete, $"/zones/{CoordinatorClient.Escape(zone)}/agents/{CoordinatorClient.Escape(id)}", body) { Context = context };
        try
        {
            await lifecycle.WithTokenAsync((bearer, stop) => coordinator.SendAsync(call, bearer, stop), limit.Token).ConfigureAwait(false);
        }
        catch (CoordinatorException gone) when (gone.IsTerminal)
        {
        }
        catch (Exception fault) when (quiet && fault is CaracalException or OperationCanceledException)
        {
            // What made us end it is the error worth telling; the Session ends by its own time.
        }
    }

    private CaracalContext Root((string Zone, string Application) identity, CaracalContext? parent, AgentSessionOptions session) =>
        new(identity.Zone, identity.Application, lifecycle.BearerAsync)
        {
            TraceParent = parent?.TraceParent ?? Protocol.Context.TraceParent.New(),
            TraceState = parent?.TraceState,
            Baggage = parent?.Baggage ?? new Dictionary<string, string>(StringComparer.Ordinal),
            AuthorityRecordId = session.Subject?.AuthorityRecordId ?? parent?.AuthorityRecordId,
            SubjectToken = session.Subject?.Token ?? parent?.SubjectToken,
        };

    private async Task<StartedSession> PostAsync(
        AgentSessionOptions session, bool service, (string Zone, string Application) identity, CaracalContext? parent, CaracalContext context, string key, CancellationToken cancellationToken)
    {
        var metadata = new Dictionary<string, string>(session.Metadata, StringComparer.Ordinal);
        if (session.Task is not null) metadata["task"] = session.Task;
        var body = new StartBody
        {
            ApplicationId = identity.Application,
            SubjectSessionId = context.SubjectToken is null ? null : context.AuthorityRecordId,
            SubjectToken = context.SubjectToken,
            ParentId = session.ParentId ?? parent?.SessionId,
            Lifecycle = service ? "service" : null,
            TtlSeconds = service ? null : session.TtlSeconds ?? options.DefaultTtlSeconds,
            Metadata = metadata.Count > 0 ? metadata : null,
            Labels = session.Labels.Count > 0 ? session.Labels : null,
            ParentAuthority = session.Authority is InheritedAuthority ? "inherit" : "none",
        };
        var call = new CoordinatorCall(HttpMethod.Post, $"/zones/{CoordinatorClient.Escape(identity.Zone)}/agents", CoordinatorClient.Write(body, SdkJson.Default.StartBody))
        {
            IdempotencyKey = key,
            KeyIsGenerated = session.IdempotencyKey is null,
            Context = context,
        };
        var started = await RetryAsync(stop => lifecycle.WithTokenAsync((bearer, inner) => coordinator.ReadAsync(call, bearer, SdkJson.Default.StartedSession, inner), stop), cancellationToken).ConfigureAwait(false);
        return started.AgentSessionId is { Length: > 0 } && (!service || started.LeaseGeneration >= 1)
            ? started
            : throw new CoordinatorException("POST", call.Path, 502, "invalid_answer", null, "");
    }

    private async Task<string> NarrowAsync(
        NarrowedAuthority narrow, CaracalContext? parent, (string Zone, string Application) identity, string child, string key, CancellationToken cancellationToken)
    {
        if (parent?.SessionId is null) throw new InvalidOperationException("authority can be narrowed only inside a Session that holds some");
        var body = new DelegationBody
        {
            SourceSessionId = parent.SessionId,
            TargetSessionId = child,
            IssuerApplicationId = parent.ApplicationId,
            ReceiverApplicationId = identity.Application,
            ParentEdgeId = parent.DelegationId,
            ResourceId = narrow.ResourceId,
            Scopes = narrow.Scopes,
            Constraints = narrow.Constraints,
            TtlSeconds = narrow.TtlSeconds,
        };
        var call = new CoordinatorCall(HttpMethod.Post, $"/zones/{CoordinatorClient.Escape(parent.ZoneId)}/delegations", CoordinatorClient.Write(body, SdkJson.Default.DelegationBody))
        {
            IdempotencyKey = key,
            Context = parent,
        };
        var edge = await RetryAsync(
            async stop => await coordinator.ReadAsync(call, await parent.Bearer(stop).ConfigureAwait(false), SdkJson.Default.DelegationCreated, stop).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        return edge.DelegationEdgeId ?? throw new CoordinatorException("POST", call.Path, 502, "invalid_answer", null, "");
    }

    /// <summary>Repeats what failed without an answer or with 5xx, at most twice, waiting as the service asks.</summary>
    public async Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> run, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await run(cancellationToken).ConfigureAwait(false);
            }
            catch (CoordinatorException fault) when (attempt < MoreTries && (fault.HttpStatus is 0 or >= 500 || (options.RetryWhenBusy && fault.HttpStatus == 429)))
            {
                var pause = fault.RetryAfter ?? TimeSpan.FromMilliseconds((250 * (attempt + 1)) + Random.Shared.Next(100));
                if (pause < TimeSpan.Zero) pause = TimeSpan.Zero;
                await Task.Delay(pause > LongestPause ? LongestPause : pause, options.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
