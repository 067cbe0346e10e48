using System.Text.Json;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.Events;

namespace Caracal.Cli.Demo;

/// <summary>What a scene expects of its call.</summary>
/// <param name="Status">Status code.</param>
/// <param name="Error">Error code of the body; empty for a success.</param>
/// <param name="Reason">A text that the description, or the audit event, must contain; empty asks for nothing.</param>
/// <param name="EventType">The audit event that tells the outcome; empty takes the last one of the request.</param>
internal sealed record Expected(int Status, string Error = "", string Reason = "", string EventType = "")
{
    /// <summary>A call that reached the upstream.</summary>
    public static Expected Forwarded { get; } = new(200, EventType: AuditEventTypes.GatewayResourceRequest);
}

/// <summary>Every call of the demo with its decision and its evidence, and whether it was the expected one.</summary>
/// <param name="client">Reads the audit events.</param>
/// <param name="adminToken">May read them.</param>
internal sealed class DemoReport(WireClient client, string adminToken)
{
    private static readonly TimeSpan EvidenceTime = TimeSpan.FromSeconds(3);

    private readonly List<string[]> rows = [];
    private readonly List<string> unexpected = [];

    public IReadOnlyList<string> Unexpected => unexpected;

    /// <summary>Id of the audit event of the first allowed call: the row that the last scene changes.</summary>
    public string AllowedEventId { get; private set; } = "";

    /// <summary>Events that a verification must have seen at least.</summary>
    public int EventCount => rows.Count(row => row[3] != "-");

    /// <summary>Notes a call: compares it with what was expected and looks its audit event up.</summary>
    public async Task AddAsync(string call, string zoneId, WireAnswer answer, Expected expected, CancellationToken stop)
    {
        var evidence = await FindEventAsync(zoneId, answer.RequestId, expected.EventType, stop);
        var reason = Reason(answer, evidence);
        var asExpected = answer.Status == expected.Status
            && (expected.Error.Length == 0 || answer["error"] == expected.Error)
            && (expected.Reason.Length == 0 || reason.Contains(expected.Reason, StringComparison.Ordinal));
        var decision = answer.IsSuccess ? "allow" : "deny";
        rows.Add([call, $"{decision} {answer.Status}", reason, evidence?.Id ?? "-"]);
        if (answer.IsSuccess && AllowedEventId.Length == 0) AllowedEventId = evidence?.Id ?? "";
        if (!asExpected)
        {
            unexpected.Add($"{call}: expected {expected.Status} {expected.Error} {expected.Reason}, got {answer.Status} {answer["error"]} {reason}");
        }

        if (evidence is null) unexpected.Add($"{call}: no audit event for request {answer.RequestId}");
    }

    /// <summary>Notes something that is no HTTP call.</summary>
    public void Add(string call, string decision, string reason, string evidence, bool asExpected)
    {
        rows.Add([call, decision, reason, evidence]);
        if (!asExpected) unexpected.Add($"{call}: {decision}: {reason}");
    }

    public void Require(bool condition, string otherwise)
    {
        if (!condition) unexpected.Add(otherwise);
    }

    public void Print(Terminal terminal) => terminal.Table(["call", "decision", "reason", "audit event"], rows);

    private static string Reason(WireAnswer answer, AuditedEvent? evidence)
    {
        if (answer.IsSuccess) return evidence?.Status ?? "";
        var description = answer["error_description"];
        var code = answer["error"];
        return description.Length == 0 ? code : $"{code}: {description}";
    }

    // Evidence reaches the ledger a moment after the answer; the journal has it before.
    private async Task<AuditedEvent?> FindEventAsync(string zoneId, string requestId, string eventType, CancellationToken stop)
    {
        if (requestId.Length == 0) return null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(EvidenceTime);
        try
        {
            while (true)
            {
                var answer = await client.ApiAsync(
                    HttpMethod.Get, $"/v1/zones/{zoneId}/audit/by-request/{requestId}", adminToken, null, limit.Token);
                if (answer.IsSuccess && Last(answer.Body, eventType) is { } found) return found;
                await Task.Delay(20, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return null;
        }
    }

    private static AuditedEvent? Last(JsonElement body, string eventType)
    {
        if (body.ValueKind != JsonValueKind.Array) return null;
        foreach (var row in body.EnumerateArray().Reverse())
        {
            var type = row.GetProperty("event_type").GetString();
            if (eventType.Length > 0 && type != eventType) continue;
            return new AuditedEvent(row.GetProperty("id").GetString()!, $"{type} {row.GetProperty("evaluation_status").GetString()}");
        }

        return null;
    }

    private sealed record AuditedEvent(string Id, string Status);
}
