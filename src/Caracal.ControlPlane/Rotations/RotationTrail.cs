using System.Text.Json.Nodes;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Evidence.Rotations;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Rotations;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.Rotations;

/// <summary>What a step leaves behind beside the rotation's row.</summary>
internal sealed record RotationStep(string Name)
{
    public IReadOnlyList<string> Services { get; init; } = [];

    public IReadOnlyList<RotationCheck> Checks { get; init; } = [];

    /// <summary>Of a rollback or an abort, in place of the rotation's own.</summary>
    public string? Reason { get; init; }
}

/// <summary>Appends a step's evidence line and its admin audit row, in the transaction of the step (operations.md 4.8).</summary>
internal sealed class RotationTrail(Changes changes)
{
    public async Task AppendAsync(Work work, ApiCall call, RotationRow rotation, RotationStep step, DateTimeOffset now)
    {
        var (sequence, previous) = await RotationEventStore.LastAsync(work.Connection, rotation.Id);
        var line = RotationLine.Of(sequence + 1, previous, Members(rotation, step, now));
        await RotationEventStore.AppendAsync(work, rotation.Id, sequence + 1, step.Name, line.Text, line.Hash, now);
        work.OnCommitted(() => RotationLog.Step(changes.Log, step.Name, rotation.Class, rotation.ToSid, rotation.Id));
        await changes.AppendAsync(work, AdminAuditRecords.KeyRotation(
            call,
            rotation.Id,
            writer =>
            {
                writer.WriteString("event", step.Name);
                writer.WriteString("class", rotation.Class);
                writer.WriteString("from", rotation.FromSid);
                writer.WriteString("to", rotation.ToSid);
                writer.WriteString("actor", rotation.Actor);
                writer.WriteString("evidence_sha256", line.Hash);
            },
            now));
    }

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Members(RotationRow rotation, RotationStep step, DateTimeOffset now)
    {
        yield return new("id", rotation.Id);
        yield return new("at", Timestamps.Milliseconds(now));
        yield return new("event", step.Name);
        yield return new("class", rotation.Class);
        yield return new("scope", rotation.Scope.Length == 0 ? null : rotation.Scope);
        yield return new("actor", rotation.Actor);
        yield return new("actor_token_id", rotation.ActorTokenId);
        yield return new("host", Environment.MachineName);
        yield return new("reason_kind", rotation.ReasonKind);
        yield return new("reason", step.Reason ?? rotation.Reason);
        yield return new("from", rotation.FromSid);
        yield return new("to", rotation.ToSid);
        yield return new("location", rotation.Location);
        yield return new("version_label", rotation.VersionLabel);
        yield return new("overlap_seconds", rotation.OverlapSeconds);
        yield return new("rollback_until", rotation.RolledAt is { } rolled ? Timestamps.Milliseconds(rolled.AddSeconds(rotation.RollbackWindowSeconds)) : null);
        yield return new("services", step.Services.Count == 0 ? null : new JsonArray([.. step.Services.Select(name => (JsonNode)name)]));
        yield return new("checks", step.Checks.Count == 0 ? null : new JsonArray([.. step.Checks.Select(CheckOf)]));
        yield return new("emergency", rotation.Emergency ? true : null);
    }

    private static JsonObject CheckOf(RotationCheck check) =>
        new() { ["detail"] = check.Detail, ["id"] = check.Id, ["ms"] = check.Milliseconds, ["ok"] = check.Ok };
}

/// <summary>Log lines of rotations, whoever drives them.</summary>
internal static partial class RotationLog
{
    [LoggerMessage(EventId = 3030, EventName = "key_rotation", Level = LogLevel.Information, Message = "{Step} {Class} {Sid} in {Rotation}")]
    public static partial void Step(ILogger logger, string step, string @class, string sid, string rotation);
}
