using Caracal.Sdk.Sessions;
using Caracal.Sdk.TokenExchange;

namespace Caracal.Sdk.Transport;

/// <summary>Two Sessions and the Delegation between them, by which an application acts for itself.</summary>
internal sealed record ApplicationGrant(
    string Source, string Target, CaracalCredentials Credentials, TokenForm Form, CaracalContext Context, DateTimeOffset RefreshAt);

/// <summary>Provisions an application's own authority per resource and scopes, and takes it down again (sdk.md 7).</summary>
internal sealed class ApplicationAuthorities(CaracalOptions options, TokenClient tokens, LifecycleToken lifecycle, CoordinatorClient coordinator, SessionStarts sessions) : IAsyncDisposable
{
    /// <summary>Two Sessions each: leaves room under an application's limit of 50.</summary>
    public const int Capacity = 19;
    private const int Margin = 120;
    private static readonly TimeSpan RefreshBefore = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, ApplicationGrant> _grants = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _provisioning = new(1, 1);
    private bool _closed;

    public static string KeyOf(string resource, ApplicationTransportOptions transport) =>
        string.Join('\n', resource, string.Join(' ', ExchangeRequest.Sorted(transport.Scopes)), transport.Labels is null ? "" : string.Join(' ', transport.Labels), transport.TtlSeconds);

    /// <summary>The live grant: made on first use, and made anew 60 seconds before it ends.</summary>
    public async ValueTask<ApplicationGrant> FindAsync(string key, string resource, ApplicationTransportOptions transport, CancellationToken cancellationToken)
    {
        var credentials = await tokens.CredentialsAsync(cancellationToken).ConfigureAwait(false);
        return Live(key, credentials) ?? await ProvisionAsync(key, resource, transport, credentials, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _provisioning.WaitAsync().ConfigureAwait(false);
        _closed = true;
        List<ApplicationGrant> left;
        lock (_grants)
        {
            left = [.. _grants.Values];
            _grants.Clear();
        }

        _provisioning.Release();
        foreach (var grant in left) await RetireAsync(grant).ConfigureAwait(false);
        _provisioning.Dispose();
    }

    private ApplicationGrant? Live(string key, CaracalCredentials credentials)
    {
        lock (_grants)
        {
            return _grants.TryGetValue(key, out var grant) && grant.RefreshAt > options.Time.GetUtcNow() && grant.Credentials == credentials ? grant : null;
        }
    }

    private async Task<ApplicationGrant> ProvisionAsync(
        string key, string resource, ApplicationTransportOptions transport, CaracalCredentials credentials, CancellationToken cancellationToken)
    {
        await _provisioning.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            if (Live(key, credentials) is { } made) return made;
            var grant = await MakeAsync(resource, transport, credentials, cancellationToken).ConfigureAwait(false);
            foreach (var stale in Replace(key, grant)) _ = RetireAsync(stale);
            return grant;
        }
        finally
        {
            _provisioning.Release();
        }
    }

    private List<ApplicationGrant> Replace(string key, ApplicationGrant grant)
    {
        lock (_grants)
        {
            var stale = new List<ApplicationGrant>();
            if (_grants.Remove(key, out var old)) stale.Add(old);
            while (_grants.Count >= Capacity)
            {
                var first = _grants.MinBy(entry => entry.Value.RefreshAt);
                _grants.Remove(first.Key);
                stale.Add(first.Value);
            }

            _grants[key] = grant;
            return stale;
        }
    }

    private async Task<ApplicationGrant> MakeAsync(
        string resource, ApplicationTransportOptions transport, CaracalCredentials credentials, CancellationToken cancellationToken)
    {
        var bearer = (await tokens.ExchangeAsync(lifecycle.Request([resource]), cancellationToken).ConfigureAwait(false)).Token;
        var begun = options.Time.GetUtcNow();
        var seconds = transport.TtlSeconds + Margin;
        var started = new List<string>();
        try
        {
            for (var i = 0; i < 2; i++) started.Add(await StartAsync(transport, credentials, seconds, bearer, cancellationToken).ConfigureAwait(false));
            var edge = await DelegateAsync(started[0], started[1], resource, transport, credentials, seconds, bearer, cancellationToken).ConfigureAwait(false);
            var request = new ExchangeRequest
            {
                Resources = [resource],
                Scopes = ExchangeRequest.Sorted(transport.Scopes),
                SessionId = started[1],
                DelegationId = edge,
                TtlSeconds = transport.TtlSeconds,
                MayCache = false,
            };
            var context = new CaracalContext(credentials.ZoneId, credentials.ApplicationId, lifecycle.BearerAsync) { SessionId = started[1], DelegationId = edge };
            return new ApplicationGrant(started[0], started[1], credentials, new TokenForm(request, credentials), context, begun.AddSeconds(seconds) - RefreshBefore);
        }
        catch
        {
            foreach (var id in started) await sessions.RetireAsync(credentials.ZoneId, id, generation: null, quiet: true).ConfigureAwait(false);
            throw;
        }
    }

    private async Task<string> StartAsync(ApplicationTransportOptions transport, CaracalCredentials credentials, int seconds, string bearer, CancellationToken cancellationToken)
    {
        var body = new StartBody
        {
            ApplicationId = credentials.ApplicationId,
            Labels = transport.Labels ?? [credentials.ApplicationId],
            TtlSeconds = seconds,
            ParentAuthority = "inherit",
        };
        var call = new CoordinatorCall(HttpMethod.Post, $"/zones/{CoordinatorClient.Escape(credentials.ZoneId)}/agents", CoordinatorClient.Write(body, SdkJson.Default.StartBody))
        {
            IdempotencyKey = Guid.NewGuid().ToString(),
        };
        var session = await sessions.RetryAsync(stop => coordinator.ReadAsync(call, bearer, SdkJson.Default.StartedSession, stop), cancellationToken).ConfigureAwait(false);
        return session.AgentSessionId ?? throw new CoordinatorException("POST", call.Path, 502, "invalid_answer", null, "");
    }

    private async Task<string> DelegateAsync(
        string source, string target, string resource, ApplicationTransportOptions transport, CaracalCredentials credentials, int seconds, string bearer, CancellationToken cancellationToken)
    {
        var body = new DelegationBody
        {
            SourceSessionId = source,
            TargetSessionId = target,
            IssuerApplicationId = credentials.ApplicationId,
            ReceiverApplicationId = credentials.ApplicationId,
            Scopes = ExchangeRequest.Sorted(transport.Scopes),
            Constraints = new DelegationConstraints { Resources = [resource] },
            TtlSeconds = seconds,
        };
        var call = new CoordinatorCall(HttpMethod.Post, $"/zones/{CoordinatorClient.Escape(credentials.ZoneId)}/delegations", CoordinatorClient.Write(body, SdkJson.Default.DelegationBody))
        {
            IdempotencyKey = Guid.NewGuid().ToString(),
        };
        var edge = await sessions.RetryAsync(stop => coordinator.ReadAsync(call, bearer, SdkJson.Default.DelegationCreated, stop), cancellationToken).ConfigureAwait(false);
        return edge.DelegationEdgeId ?? throw new CoordinatorException("POST", call.Path, 502, "invalid_answer", null, "");
    }

    private async Task RetireAsync(ApplicationGrant grant)
    {
        await sessions.RetireAsync(grant.Credentials.ZoneId, grant.Target, generation: null, quiet: true).ConfigureAwait(false);
        await sessions.RetireAsync(grant.Credentials.ZoneId, grant.Source, generation: null, quiet: true).ConfigureAwait(false);
    }
}
