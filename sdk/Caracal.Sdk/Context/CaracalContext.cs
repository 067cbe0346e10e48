using System.Diagnostics;
using Caracal.Protocol.Context;

namespace Caracal.Sdk;

/// <summary>Who acts now, by what authority; flows with asynchronous execution.</summary>
/// <remarks>Ids and baggage are correlation data. Authority is the bearer alone, and the bearer is never written into headers by propagation.</remarks>
public sealed record CaracalContext
{
    private static readonly AsyncLocal<CaracalContext?> Ambient = new();
    private static readonly Dictionary<string, string> NoBaggage = new(StringComparer.Ordinal);
    private OwnBaggage _ownBaggage;

    internal CaracalContext(string zoneId, string applicationId, Func<CancellationToken, ValueTask<string>> bearer)
    {
        ZoneId = zoneId;
        ApplicationId = applicationId;
        Bearer = bearer;
    }

    /// <summary>The context of the running code; null outside of one.</summary>
    public static CaracalContext? Current => Ambient.Value;

    public string ZoneId { get; internal init; }

    public string ApplicationId { get; internal init; }

    public string? SessionId { get; internal init; }

    public string? DelegationId { get; internal init; }

    public string? ParentDelegationId { get; internal init; }

    /// <summary>The subject's authority record, where the Session is anchored to one.</summary>
    public string? AuthorityRecordId { get; internal init; }

    /// <summary>Delegations between the first Session and this one, 0 to 10.</summary>
    public int Hop { get; internal init; }

    /// <summary>W3C <c>traceparent</c> of the Session's trace.</summary>
    public string TraceParent { get; internal init; } = Protocol.Context.TraceParent.New();

    public string? TraceState { get; internal init; }

    /// <summary>Baggage that is not ours, passed on.</summary>
    public IReadOnlyDictionary<string, string> Baggage { get; init; } = NoBaggage;

    /// <summary>Resolves the bearer of the moment.</summary>
    internal Func<CancellationToken, ValueTask<string>> Bearer { get; init; }

    /// <summary>Proof of the subject's record, for children started in this context.</summary>
    internal string? SubjectToken { get; init; }

    /// <summary>The context of a request that came in, pinned to its caller's token.</summary>
    /// <param name="bearer">The caller's token; it is used for what the context does and written nowhere.</param>
    /// <param name="zoneId">Of the verified token.</param>
    /// <param name="applicationId">Of the verified token.</param>
    /// <param name="told">Ids and hop as the verified token says; trace and foreign baggage as the headers do.</param>
    public static CaracalContext OfRequest(string bearer, string zoneId, string applicationId, ContextEnvelope told) =>
        new CaracalContext(zoneId, applicationId, _ => ValueTask.FromResult(bearer))
        {
            SessionId = told.AgentSession,
            DelegationId = told.DelegationEdge,
            ParentDelegationId = told.ParentEdge,
            AuthorityRecordId = told.Session,
            Hop = Math.Clamp(told.Hop, 0, ContextEnvelope.MaximumHops),
        }.Traced(told);

    /// <summary>The context to bind elsewhere, for example on a thread that execution does not flow to.</summary>
    public static CaracalContext? Capture() => Ambient.Value;

    /// <summary>Runs <paramref name="body"/> in a context; the one before comes back afterwards.</summary>
    public static async Task<T> BindAsync<T>(CaracalContext context, Func<Task<T>> body)
    {
        // An async method has a flow of its own: what it sets ends with it.
        Ambient.Value = context;
        return await body().ConfigureAwait(false);
    }

    /// <summary>Runs <paramref name="body"/> in a context; the one before comes back afterwards.</summary>
    public static async Task BindAsync(CaracalContext context, Func<Task> body)
    {
        Ambient.Value = context;
        await body().ConfigureAwait(false);
    }

    /// <summary>For logs: ids, never the bearer.</summary>
    public string Describe() =>
        $"zone={ZoneId} application={ApplicationId} session={SessionId ?? "-"} delegation={DelegationId ?? "-"} hop={Hop} trace={Protocol.Context.TraceParent.TraceId(TraceParent)}";

    /// <summary>For logs: ids, never the bearer.</summary>
    public override string ToString() => $"CaracalContext {{ {Describe()} }}";

    /// <summary>A new span of the trace: the running activity's, else the Session's.</summary>
    internal (string Parent, string? State) NewSpan()
    {
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } activity) return (id, activity.TraceStateString ?? TraceState);
        return (string.Create(55, TraceParent, static (text, parent) =>
        {
            parent.CopyTo(text);
            Span<byte> span = stackalloc byte[8];
            do
            {
                Random.Shared.NextBytes(span); // names a span, guards nothing
            }
            while (!span.ContainsAnyExcept((byte)0));

            Convert.TryToHexStringLower(span, text[36..], out _);
        }), TraceState);
    }

    /// <summary>The <c>baggage</c> header of a request that carries this context.</summary>
    internal string? EncodeBaggage(string? existing)
    {
        var foreign = Foreign();
        if (existing is not null || foreign.Count > 0) return Encode(foreign, existing);
        if (!_ownBaggage.IsOf(this)) _ownBaggage = new OwnBaggage(this, Encode(NoBaggage, null)); // the same for every request of this context
        return _ownBaggage.Text;
    }

    /// <summary>The same within the trace of a request that came in, with its foreign baggage.</summary>
    internal CaracalContext Traced(ContextEnvelope told) => this with
    {
        TraceParent = told.TraceParent ?? TraceParent,
        TraceState = told.TraceParent is null ? null : told.TraceState,
        Baggage = told.Foreign,
    };

    private string? Encode(IReadOnlyDictionary<string, string> foreign, string? existing) => new ContextEnvelope
    {
        AgentSession = SessionId,
        DelegationEdge = DelegationId,
        ParentEdge = ParentDelegationId,
        Session = AuthorityRecordId,
        Hop = Hop,
        Foreign = foreign,
    }.EncodeBaggage(existing);

    private IReadOnlyDictionary<string, string> Foreign()
    {
        if (Activity.Current is not { } activity || !activity.Baggage.Any()) return Baggage;
        var members = new Dictionary<string, string>(Baggage, StringComparer.Ordinal);
        foreach (var (key, value) in activity.Baggage)
        {
            if (value is not null) members.TryAdd(key, value);
        }

        return members;
    }
}
