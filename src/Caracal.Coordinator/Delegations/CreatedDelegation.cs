using System.Text.Json;
using Caracal.Authority.Delegations;
using Caracal.Coordinator.Requests;

namespace Caracal.Coordinator.Delegations;

/// <summary>The answer to a created delegation: the edge, why it was allowed, and what it gives (coordinator.md 8).</summary>
internal static class CreatedDelegation
{
    private const string BroadWarning = "resource_null_delegation_broadens_resource_matching";

    public static Reply Reply(Delegation edge, DelegatedAuthority authority, IReadOnlyList<string> parentsConsidered, bool isBroad) =>
        Requests.Reply.Json(201, writer =>
        {
            writer.WriteStartObject();
            DelegationJson.WriteMembers(writer, "delegation_edge_id", edge);
            Paging.WriteTexts(writer, "warnings", isBroad ? [BroadWarning] : []);
            Paging.WriteTexts(writer, "allow_reason",
            [
                "same_zone_endpoints_active",
                isBroad ? "broad_delegation_elevated" : "resource_scope_checked",
                edge.ParentEdgeId is null ? "source_authority_root" : "parent_authority_narrowed",
                "typed_constraints_validated",
            ]);
            WriteAuthority(writer, edge, authority, parentsConsidered);
            writer.WriteEndObject();
        });

    private static void WriteAuthority(Utf8JsonWriter writer, Delegation edge, DelegatedAuthority authority, IReadOnlyList<string> parentsConsidered)
    {
        writer.WriteStartObject("effective_authority"u8);
        writer.WriteString("source_session_id"u8, edge.SourceSessionId);
        writer.WriteString("target_session_id"u8, edge.TargetSessionId);
        writer.WriteString("parent_edge_id"u8, edge.ParentEdgeId);
        writer.WriteString("resource_id"u8, edge.ResourceId);
        Paging.WriteTexts(writer, "resources", authority.Reach.Identifiers);
        Paging.WriteTexts(writer, "scopes", edge.Scopes);
        Paging.WriteTime(writer, "expires_at", edge.ExpiresAt);
        writer.WriteNumber("max_hops"u8, authority.Constraints.Hops);
        Paging.WriteNumber(writer, "ttl_seconds", authority.Constraints.TtlSeconds);
        writer.WriteBoolean("broad"u8, authority.Reach.IsBroad);
        Paging.WriteTexts(writer, "parent_edges_considered", parentsConsidered);
        writer.WriteEndObject();
    }
}
