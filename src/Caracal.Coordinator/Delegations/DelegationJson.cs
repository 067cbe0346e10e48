using System.Text.Json;
using Caracal.Authority.Delegations;
using Caracal.Coordinator.Requests;

namespace Caracal.Coordinator.Delegations;

/// <summary>Delegations on the wire (coordinator.md 8).</summary>
internal static class DelegationJson
{
    /// <summary>An item of a list: the id is called <c>id</c> here.</summary>
    public static void WriteItem(Utf8JsonWriter writer, Delegation edge)
    {
        writer.WriteStartObject();
        WriteMembers(writer, "id", edge);
        writer.WriteEndObject();
    }

    /// <summary>An item of the active list, which shows why a broad one was allowed.</summary>
    public static void WriteActiveItem(Utf8JsonWriter writer, Delegation edge)
    {
        writer.WriteStartObject();
        WriteMembers(writer, "id", edge);
        writer.WriteString("broad_reason"u8, ConstraintReader.TryReadStored(edge.ConstraintsJson)?.BroadReason);
        writer.WriteEndObject();
    }

    /// <summary>The columns of an edge, into an open object.</summary>
    public static void WriteMembers(Utf8JsonWriter writer, string idName, Delegation edge)
    {
        writer.WriteString(idName, edge.Id);
        writer.WriteString("zone_id"u8, edge.ZoneId);
        writer.WriteString("source_session_id"u8, edge.SourceSessionId);
        writer.WriteString("target_session_id"u8, edge.TargetSessionId);
        writer.WriteString("issuer_application_id"u8, edge.IssuerApplicationId);
        writer.WriteString("receiver_application_id"u8, edge.ReceiverApplicationId);
        writer.WriteString("parent_edge_id"u8, edge.ParentEdgeId);
        writer.WriteString("resource_id"u8, edge.ResourceId);
        Paging.WriteTexts(writer, "scopes", edge.Scopes);
        writer.WritePropertyName("constraints_json"u8);
        writer.WriteRawValue(edge.ConstraintsJson);
        writer.WriteString("status"u8, edge.Status);
        Paging.WriteTime(writer, "expires_at", edge.ExpiresAt);
        writer.WriteNumber("edge_version"u8, edge.EdgeVersion);
        Paging.WriteTime(writer, "revoked_at", edge.RevokedAt);
        Paging.WriteTime(writer, "created_at", edge.CreatedAt);
        if (edge.Budget is { } budget)
        {
            WriteBudget(writer, budget, spent: null);
        }
    }

    /// <summary>A budget, into an open object; only where there is one, so that the wire of v1.0 stays as it is.</summary>
    public static void WriteBudget(Utf8JsonWriter writer, DelegationBudget budget, long? spent)
    {
        writer.WriteStartObject("budget"u8);
        writer.WriteNumber("calls"u8, budget.Calls);
        writer.WriteString("unit"u8, budget.Unit);
        if (spent is { } used)
        {
            writer.WriteNumber("spent"u8, used);
        }

        writer.WriteEndObject();
    }

    /// <summary>An edge of a walk.</summary>
    public static void WriteReached(Utf8JsonWriter writer, ReachedDelegation reached)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, reached.Edge.Id);
        writer.WriteString("source_session_id"u8, reached.Edge.SourceSessionId);
        writer.WriteString("target_session_id"u8, reached.Edge.TargetSessionId);
        writer.WriteNumber("depth"u8, reached.Depth);
        writer.WriteEndObject();
    }
}
