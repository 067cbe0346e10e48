using System.Text;
using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.AuditReads;

namespace Caracal.ControlPlane.PolicyReplays;

/// <summary>How a candidate's answer differs from the recorded one.</summary>
internal enum ReplayOutcome
{
    Unchanged,
    NewlyAllowed,
    NewlyDenied,

    /// <summary>Allowed before and after, but now a human has to agree.</summary>
    NewlyHeld,

    /// <summary>Allowed before and after, and no human is asked any more.</summary>
    NoLongerHeld,

    /// <summary>The policy of that time does not give its old answer to the rebuilt input, so nothing is said about the new one.</summary>
    Unreproducible,

    /// <summary>What policy saw then is no longer kept (<c>AUDIT_REPLAY_INPUT_DAYS</c>).</summary>
    NotKept,
}

/// <summary>What is asked of a replay.</summary>
internal sealed record ReplayRequest
{
    public required string Id { get; init; }
    public required string ZoneId { get; init; }
    public required string PolicySetId { get; init; }
    public required string VersionId { get; init; }
    public required DateTimeOffset Since { get; init; }
    public required DateTimeOffset Until { get; init; }
    public required int Limit { get; init; }
    public required int Examples { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
}

/// <summary>Counts and examples of a replay in progress. Counted by several threads; read at any time.</summary>
internal sealed class ReplayReport(ReplayRequest request)
{
    private static readonly (ReplayOutcome Outcome, string Name)[] Names =
    [
        (ReplayOutcome.NewlyAllowed, "newly_allowed"), (ReplayOutcome.NewlyDenied, "newly_denied"), (ReplayOutcome.NewlyHeld, "newly_held"),
        (ReplayOutcome.NoLongerHeld, "no_longer_held"), (ReplayOutcome.Unchanged, "unchanged"), (ReplayOutcome.Unreproducible, "unreproducible"),
        (ReplayOutcome.NotKept, "not_kept"),
    ];

    private readonly long[] _counts = new long[Names.Length];
    private readonly List<(RecordedDecision Row, string Reason)>[] _examples = [.. Names.Select(_ => new List<(RecordedDecision, string)>())];

    public ReplayRequest Request { get; } = request;

    /// <summary>Decisions in the range, as far as they will be looked at.</summary>
    public long Total { get; set; }

    public void Count(ReplayOutcome outcome, RecordedDecision row, string reason)
    {
        Interlocked.Increment(ref _counts[(int)outcome]);
        if (outcome == ReplayOutcome.Unchanged) return;
        var examples = _examples[(int)outcome];
        lock (examples)
        {
            if (examples.Count < Request.Examples) examples.Add((row, reason));
        }
    }

    /// <summary>The report as it stands.</summary>
    /// <param name="state"><c>running</c>, <c>done</c> or <c>failed</c>.</param>
    /// <param name="now">When.</param>
    /// <param name="error">Why it failed; null otherwise.</param>
    public string ToJson(string state, DateTimeOffset now, string? error = null)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) JsonRows.Object(members => Write(members, state, now, error))(writer);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private void Write(Utf8JsonWriter writer, string state, DateTimeOffset now, string? error)
    {
        writer.WriteString("replay_id", Request.Id);
        writer.WriteString("state", state);
        writer.WriteString("error", error);
        writer.WriteString("zone_id", Request.ZoneId);
        writer.WriteString("policy_set_id", Request.PolicySetId);
        writer.WriteString("version_id", Request.VersionId);
        writer.Time("since", Request.Since);
        writer.Time("until", Request.Until);
        writer.WriteNumber("total", Total);
        writer.WriteNumber("evaluated", _counts.Sum());
        foreach (var (outcome, name) in Names) writer.WriteNumber(name, _counts[(int)outcome]);
        writer.WriteStartObject("examples");
        foreach (var (outcome, name) in Names.Where(entry => entry.Outcome != ReplayOutcome.Unchanged))
        {
            var examples = _examples[(int)outcome];
            lock (examples) writer.Rows(name, examples, WriteExample);
        }

        writer.WriteEndObject();
        writer.Time("started_at", Request.StartedAt);
        writer.Time("finished_at", state == "running" ? null : now);
        writer.WriteNumber("elapsed_ms", (long)(now - Request.StartedAt).TotalMilliseconds);
    }

    private static void WriteExample(Utf8JsonWriter writer, (RecordedDecision Row, string Reason) example)
    {
        using var metadata = JsonDocument.Parse(example.Row.MetadataJson.Value);
        writer.WriteString("event_id", example.Row.Id);
        writer.WriteString("request_id", example.Row.RequestId);
        writer.Time("occurred_at", example.Row.OccurredAt);
        writer.WriteString("recorded", example.Row.Decision);
        writer.WriteString("reason", example.Reason);
        foreach (var name in (string[])["application_id", "resource", "requested_scopes", "agent_session_id", "agent_labels"])
        {
            if (!metadata.RootElement.TryGetProperty(name, out var value)) continue;
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }
    }
}
