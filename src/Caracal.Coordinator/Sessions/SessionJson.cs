using System.Text.Json;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Requests;

namespace Caracal.Coordinator.Sessions;

/// <summary>Sessions on the wire; every nullable member is written (coordinator.md 2, 5).</summary>
internal static class SessionJson
{
    /// <summary>The answer to a start.</summary>
    public static void WriteStarted(Utf8JsonWriter writer, Session session, string? delegationEdgeId)
    {
        writer.WriteStartObject();
        WriteCommon(writer, session);
        writer.WriteString("delegation_edge_id"u8, delegationEdgeId);
        writer.WriteEndObject();
    }

    /// <summary>An item of a list.</summary>
    public static void WriteItem(Utf8JsonWriter writer, Session session)
    {
        writer.WriteStartObject();
        WriteMembers(writer, session);
        writer.WriteEndObject();
    }

    /// <summary>The members of an item, into an open object.</summary>
    public static void WriteMembers(Utf8JsonWriter writer, Session session)
    {
        WriteCommon(writer, session);
        writer.WritePropertyName("metadata"u8);
        writer.WriteRawValue(session.MetadataJson);
        writer.WriteNumber("child_count"u8, session.ChildCount);
        Paging.WriteTime(writer, "last_active_at", session.LastActiveAt);
        Paging.WriteTime(writer, "terminated_at", session.TerminatedAt);
        writer.WriteString("termination_reason"u8, session.TerminationReason);
    }

    private static void WriteCommon(Utf8JsonWriter writer, Session session)
    {
        writer.WriteString("agent_session_id"u8, session.Id);
        writer.WriteString("zone_id"u8, session.ZoneId);
        writer.WriteString("application_id"u8, session.ApplicationId);
        writer.WriteString("parent_id"u8, session.ParentId);
        writer.WriteString("subject_authority_record_id"u8, session.SubjectAuthorityRecordId);
        writer.WriteString("lifecycle"u8, session.Lifecycle);
        Paging.WriteTexts(writer, "labels", session.Labels);
        writer.WriteString("status"u8, session.Status);
        writer.WriteNumber("depth"u8, session.Depth);
        Paging.WriteNumber(writer, "ttl_seconds", session.TtlSeconds);
        Paging.WriteTime(writer, "started_at", session.StartedAt);
        Paging.WriteTime(writer, "last_heartbeat_at", session.LastHeartbeatAt);
        Paging.WriteTime(writer, "heartbeat_deadline_at", session.HeartbeatDeadlineAt);
        writer.WriteNumber("lease_generation"u8, session.LeaseGeneration);
    }
}
