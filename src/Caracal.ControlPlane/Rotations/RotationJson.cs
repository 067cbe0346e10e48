using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Rotation;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary>Rotations and gates on the wire (operations.md 4.9).</summary>
internal static class RotationJson
{
    public static Answer Of(RotationRow rotation) => Answer.Ok(JsonRows.Object(writer => Write(writer, rotation)));

    public static void Write(Utf8JsonWriter writer, RotationRow rotation)
    {
        writer.WriteString("id", rotation.Id);
        writer.WriteString("class", rotation.Class);
        writer.WriteString("scope", rotation.Scope.Length == 0 ? null : rotation.Scope);
        writer.WriteString("state", rotation.State);
        writer.WriteString("from_sid", rotation.FromSid);
        writer.WriteString("to_sid", rotation.ToSid);
        writer.WriteString("location", rotation.Location);
        writer.WriteString("version_label", rotation.VersionLabel);
        writer.WriteString("reason_kind", rotation.ReasonKind);
        writer.WriteString("reason", rotation.Reason);
        writer.WriteString("actor", rotation.Actor);
        writer.WriteString("actor_token_id", rotation.ActorTokenId);
        writer.WriteNumber("overlap_seconds", rotation.OverlapSeconds);
        writer.WriteNumber("rollback_window_seconds", rotation.RollbackWindowSeconds);
        writer.WriteBoolean("emergency", rotation.Emergency);
        writer.Time("created_at", rotation.CreatedAt);
        writer.Time("updated_at", rotation.UpdatedAt);
        writer.Time("rolled_at", rotation.RolledAt);
        writer.Time("verified_at", rotation.VerifiedAt);
        writer.Time("ended_at", rotation.EndedAt);
        writer.Time("retirable_at", rotation.RetirableAt());
    }

    /// <summary>When time alone allows the value that leaves to go; null while nothing was rolled, and after it went.</summary>
    public static DateTimeOffset? RetirableAt(this RotationRow rotation) => rotation.State is RotationState.Retired or RotationState.Aborted ? null
        : rotation.State == RotationState.RolledBack ? rotation.EndedAt!.Value.AddSeconds(rotation.Emergency ? 0 : rotation.OverlapSeconds)
        : rotation.RolledAt is not { } rolled ? null
        : rotation.Emergency ? rolled
        : rolled.AddSeconds(Math.Max(rotation.OverlapSeconds, rotation.RollbackWindowSeconds));

    /// <summary>409 with every gate that was looked at.</summary>
    public static Answer NotMet(IReadOnlyList<Gate> gates) => Answer.Of(409, JsonRows.Object(writer =>
    {
        writer.WriteString("error", ControlPlaneErrors.GateNotMet.Code);
        writer.WriteString("error_description", string.Join("; ", gates.Where(gate => !gate.Ok).Select(gate => $"{gate.Id}: {gate.Detail}")));
        writer.Rows("gates", gates, WriteGate);
    }));

    public static void WriteGate(Utf8JsonWriter writer, Gate gate)
    {
        writer.WriteString("id", gate.Id);
        writer.WriteBoolean("ok", gate.Ok);
        writer.WriteString("detail", gate.Detail);
        writer.Number("retry_after_seconds", gate.RetryAfterSeconds);
    }

    public static void WriteCheck(Utf8JsonWriter writer, RotationCheck check)
    {
        writer.WriteString("id", check.Id);
        writer.WriteBoolean("ok", check.Ok);
        writer.WriteString("detail", check.Detail);
        writer.WriteNumber("ms", check.Milliseconds);
    }
}

/// <summary>One verification check of operations.md 4.7 and how it went.</summary>
internal sealed record RotationCheck(string Id, bool Ok, string Detail, long Milliseconds);
