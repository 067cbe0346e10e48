using System.Globalization;

namespace Caracal.Protocol.Context;

/// <summary>
/// What travels with a call besides its authority (gateway.md Part C): trace, foreign baggage, and our own correlation
/// data. Unsigned: nothing in it grants anything.
/// </summary>
public sealed record ContextEnvelope
{
    /// <summary>No chain of delegations is longer.</summary>
    public const int MaximumHops = 10;

    /// <summary>A valid <c>traceparent</c>, or null.</summary>
    public string? TraceParent { get; init; }

    public string? TraceState { get; init; }
    public string? AgentSession { get; init; }
    public string? DelegationEdge { get; init; }
    public string? ParentEdge { get; init; }

    /// <summary>The subject's authority record.</summary>
    public string? Session { get; init; }

    /// <summary>0 to 10.</summary>
    public int Hop { get; init; }

    /// <summary>Baggage that is not ours, decoded.</summary>
    public IReadOnlyDictionary<string, string> Foreign { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Reads the headers as they came; a header that came several times is given comma-joined.</summary>
    public static ContextEnvelope Decode(string? traceParent, string? traceState, string? baggage)
    {
        var members = BaggageHeader.Decode(baggage);
        string? Take(string key) => members.Remove(key, out var value) && value.Length > 0 ? value : null;
        var valid = traceParent is not null && Context.TraceParent.IsValid(traceParent);
        return new ContextEnvelope
        {
            TraceParent = valid ? traceParent : null,
            TraceState = valid && !string.IsNullOrEmpty(traceState) ? traceState : null,
            AgentSession = Take(BaggageHeader.AgentSession),
            DelegationEdge = Take(BaggageHeader.DelegationEdge),
            ParentEdge = Take(BaggageHeader.ParentEdge),
            Session = Take(BaggageHeader.Session),
            Hop = ReadHop(Take(BaggageHeader.Hop)),
            Foreign = members,
        };
    }

    /// <summary>The <c>baggage</c> header: members of the request win over those passed on, ours over both; null when there are none.</summary>
    /// <param name="existing">The request's own header, or null.</param>
    public string? EncodeBaggage(string? existing)
    {
        var members = new Dictionary<string, string>(Foreign, StringComparer.Ordinal);
        foreach (var (key, value) in BaggageHeader.Decode(existing))
        {
            members[key] = value;
        }

        members[BaggageHeader.AgentSession] = AgentSession ?? "";
        members[BaggageHeader.DelegationEdge] = DelegationEdge ?? "";
        members[BaggageHeader.ParentEdge] = ParentEdge ?? "";
        members[BaggageHeader.Session] = Session ?? "";
        var stated = Hop > 0 || AgentSession is not null || DelegationEdge is not null || ParentEdge is not null || Session is not null;
        members[BaggageHeader.Hop] = stated ? Hop.ToString(CultureInfo.InvariantCulture) : "";
        return BaggageHeader.Encode(members);
    }

    private static int ReadHop(string? text)
    {
        if (text is null || text.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            return 0;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var hop) ? Math.Min(hop, MaximumHops) : MaximumHops;
    }
}
