using System.Runtime.CompilerServices;
using Caracal.Sdk.Approvals;
using Caracal.Sdk.Configuration;
using Caracal.Sdk.Events;
using Caracal.Sdk.Sessions;
using Caracal.Sdk.TokenExchange;
using Caracal.Sdk.Transport;

namespace Caracal.Sdk;

/// <summary>An application's way into Caracal: Sessions, delegations, approvals, mandates and transports. Thread-safe; one per application.</summary>
public sealed partial class CaracalClient : IAsyncDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly bool _ownsHttp;
    private readonly Telemetry _telemetry;
    private readonly LifecycleToken _lifecycle;
    private readonly CoordinatorClient _coordinator;
    private readonly SessionStarts _sessions;
    private readonly ApprovalClient _approvals;
    private int _closed;

    private CaracalClient(CaracalOptions options)
    {
        OptionRules.Require(options);
        Options = options;
        _ownsHttp = options.Http is null;
        _http = new HttpMessageInvoker(options.Http ?? NoRedirects.New(), disposeHandler: _ownsHttp);
        _telemetry = new Telemetry(options.Time);
        Tokens = new TokenClient(options, _http, _telemetry);
        _lifecycle = new LifecycleToken(options, Tokens);
        _coordinator = new CoordinatorClient(options, _http, _telemetry);
        _sessions = new SessionStarts(options, _lifecycle, _coordinator);
        _approvals = new ApprovalClient(options, _http, _telemetry);
        Routes = new GatewayRoutes(options);
        Authorities = new ApplicationAuthorities(options, Tokens, _lifecycle, _coordinator, _sessions);
    }

    /// <summary>What the client did; a subscriber that throws changes nothing.</summary>
    public event Action<CaracalEvent>? EventRaised
    {
        add => _telemetry.Raised += value;
        remove => _telemetry.Raised -= value;
    }

    /// <summary>What it was made of.</summary>
    public CaracalOptions Options { get; }

    internal TokenClient Tokens { get; }

    internal GatewayRoutes Routes { get; }

    internal ApplicationAuthorities Authorities { get; }

    /// <summary>From the profile that <c>CARACAL_CONFIG</c> names, else from the environment. Never searches home directories.</summary>
    public static CaracalClient Create() => FromEnvironment();

    /// <summary>From variables; null reads those of the process.</summary>
    public static CaracalClient FromEnvironment(IReadOnlyDictionary<string, string?>? variables = null)
    {
        variables ??= ProcessVariables();
        return new CaracalClient(ConfigurationReader.Read(variables, variables.GetValueOrDefault("CARACAL_CONFIG") is { Length: > 0 } path ? path : null).Options);
    }

    /// <summary>From a <c>caracal.toml</c>; service addresses in the environment win over those in the file.</summary>
    public static CaracalClient FromConfig(string path) => new(ConfigurationReader.Read(ProcessVariables(), path).Options);

    /// <summary>From options with a client secret, a resolver, or a bootstrap token.</summary>
    public static CaracalClient FromOptions(CaracalOptions options) => new(options);

    /// <summary>From a zone, an application and its secret.</summary>
    public static CaracalClient FromClientSecret(CaracalOptions options) =>
        options.ClientSecret is { Length: > 0 } ? new CaracalClient(options) : throw new CaracalConfigurationException("ClientSecret is required");

    /// <summary>With credentials that are asked for before every STS operation.</summary>
    public static CaracalClient FromCredentials(Func<CancellationToken, ValueTask<CaracalCredentials?>> resolver, CaracalOptions? options = null) =>
        new((options ?? new CaracalOptions()) with { Resolver = resolver });

    /// <summary>Ends the client: its own Sessions are ended, its caches dropped. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        await Authorities.DisposeAsync().ConfigureAwait(false);
        Tokens.Forget();
        if (_ownsHttp) _http.Dispose();
    }

    /// <summary>Drops cached mandates; the next operation mints anew.</summary>
    public void Invalidate() => Tokens.Forget();

    /// <summary>A mandate of the bound Session, or of the application itself when none is bound.</summary>
    /// <param name="resource">Identifier of the resource.</param>
    /// <param name="scopes">What it may do.</param>
    /// <param name="ttlSeconds">Null leaves it to the STS.</param>
    /// <param name="approvalId">An approval that was given.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<Mandate> MintMandateAsync(
        string resource, IReadOnlyList<string> scopes, int? ttlSeconds = null, string? approvalId = null, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        var context = CaracalContext.Current;
        try
        {
            return await Tokens.ExchangeAsync(Mint(context, resource, ExchangeRequest.Sorted(scopes), ttlSeconds, approvalId), cancellationToken).ConfigureAwait(false);
        }
        catch (CaracalException refused) when (LacksDelegation(context, refused))
        {
            throw WithHint(refused);
        }
    }

    /// <summary>A person's authority record, from an identity token of an issuer the zone trusts. Never cached.</summary>
    public async Task<FederatedSubject> FederateSubjectAsync(string idToken, int? ttlSeconds = null, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        var mandate = await Tokens.ExchangeAsync(
            new ExchangeRequest { SubjectToken = idToken, SubjectTokenType = ExchangeRequest.IdTokenType, TtlSeconds = ttlSeconds, MayCache = false }, cancellationToken).ConfigureAwait(false);
        var sid = Protocol.Mandates.MandateToken.TryParse(mandate.Token)?.Claims.Sid
            ?? throw new CaracalException(CaracalErrorCodes.StsUnavailable, "the STS answered with a token without an authority record", 502);
        return new FederatedSubject(sid, mandate.Token, mandate.ExpiresIn);
    }

    /// <summary>Waits until a person decided: <c>approved</c>, <c>rejected</c>, <c>expired</c>, <c>consumed</c>, or <c>pending</c> when the time is over.</summary>
    /// <param name="approvalId">Of an <see cref="ApprovalRequiredException"/>.</param>
    /// <param name="timeout">Null waits 300 seconds.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<string> WaitForApprovalAsync(string approvalId, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _approvals.WaitAsync(approvalId, timeout ?? ApprovalClient.DefaultWait, cancellationToken);

    /// <summary>Runs <paramref name="run"/>; if a person has to approve, waits, and runs it once more with the approval. Any other decision rethrows.</summary>
    public async Task<T> WithApprovalAsync<T>(Func<string?, CancellationToken, Task<T>> run, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        ApprovalRequiredException required;
        try
        {
            return await run(null, cancellationToken).ConfigureAwait(false);
        }
        catch (ApprovalRequiredException held)
        {
            required = held;
        }

        var state = await WaitForApprovalAsync(required.ApprovalId, timeout, cancellationToken).ConfigureAwait(false);
        if (state == "approved") return await run(required.ApprovalId, cancellationToken).ConfigureAwait(false);
        System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(required);
        throw required;
    }

    /// <summary>Brings a person's decision, proven by that person's own mandate.</summary>
    public Task DecideApprovalAsync(string approvalId, bool approve, string binding, string userMandate, string? reason = null, CancellationToken cancellationToken = default) =>
        _approvals.DecideAsync(approvalId, approve ? "approved" : "rejected", binding, reason, userMandate, cancellationToken);

    /// <summary>What is asked of the STS for a request of a Session through the Gateway.</summary>
    internal static TokenForm GatewayForm(CaracalContext context, string resource, IReadOnlyList<string> scopes, int? ttl, string? approvalId, CaracalCredentials credentials) =>
        new(Mint(context, resource, scopes, ttl, approvalId) with { MayCache = false }, credentials);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    internal async ValueTask<string> GatewayBearerAsync(CaracalContext context, TokenForm form, CancellationToken cancellationToken)
    {
        RequireOpen();
        try
        {
            return await Tokens.BearerAsync(form, cancellationToken).ConfigureAwait(false);
        }
        catch (CaracalException refused) when (LacksDelegation(context, refused))
        {
            throw WithHint(refused);
        }
    }

    /// <summary>A context in which the application acts for itself, without a Session.</summary>
    /// <param name="told">The request it is for: trace and foreign baggage are taken over, the caller's ids are not. Null for none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<CaracalContext> ApplicationContextAsync(Protocol.Context.ContextEnvelope? told = null, CancellationToken cancellationToken = default)
    {
        RequireOpen();
        var (zone, application) = await _lifecycle.IdentityAsync(cancellationToken).ConfigureAwait(false);
        var context = new CaracalContext(zone, application, _lifecycle.BearerAsync);
        return told is null ? context : context.Traced(told);
    }

    private static ExchangeRequest Mint(CaracalContext? context, string resource, IReadOnlyList<string> scopes, int? ttl, string? approvalId) => new()
    {
        Resources = [resource],
        Scopes = scopes,
        SessionId = context?.SessionId,
        DelegationId = context?.DelegationId,
        TtlSeconds = ttl,
        ApprovalId = approvalId,
    };

    private static bool LacksDelegation(CaracalContext? context, CaracalException refused) =>
        refused.Code == CaracalErrorCodes.AccessDenied && context is { SessionId: not null, DelegationId: null };

    private static CaracalException WithHint(CaracalException refused) => new(
        refused.Code, refused.Message + " (the Session has lifecycle authority only: narrow some to it, accept a Delegation, or use the application transport)",
        refused.HttpStatus, refused.RequestId, refused);

    private static Dictionary<string, string?> ProcessVariables() =>
        Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value, StringComparer.Ordinal);

    private void RequireOpen() => ObjectDisposedException.ThrowIf(_closed != 0, this);
}
