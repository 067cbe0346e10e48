using System.Text.Json;
using Caracal.ControlPlane.AuditReads;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.Sessions;

/// <summary><c>GET …/sessions</c> (api.md 11.5).</summary>
internal sealed class ListSessions(Database database)
{
    private static readonly string[] Columns =
    [
        "session_id", "application_id", "parent_session_id", "status", "lifecycle", "labels", "depth", "child_count",
        "subject_authority_record_id", "subject_id", "federated_user_id", "federated_user_issuer", "started_at", "last_active_at",
        "terminated_at", "termination_reason", "ttl_seconds",
    ];

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var filter = new SessionListFilter(
            call.Query.OneOf("status", "active", "suspended", "terminated", "expired"),
            call.Query.OneOf("lifecycle", "task", "service"),
            call.Query.Text("application_id", 128),
            call.Query.Text("parent_session_id", 128),
            call.Query.Text("subject_id"),
            call.Query.Text("label", 64));
        call.Query.OneOf("format", "json", "csv");
        var page = call.Page(100, 1000);
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => SessionReads.ListAsync(connection, database.Dialect, call.ZoneId, filter, page.Query), call.Cancelled);
        return FlatList.Of(
            call, "sessions", new FieldList(Columns, false, null), rows, page.Query, row => new Keyset(row.StartedAt, row.Id), Write, Flatten);
    }

    public static void Write(Utf8JsonWriter writer, SessionListRow row)
    {
        var flat = Flatten(row);
        foreach (var column in Columns) FlatValues.Write(writer, column, flat(column));
    }

    private static FlatRow Flatten(SessionListRow row) => field => field switch
    {
        "session_id" => row.Id,
        "application_id" => row.ApplicationId,
        "parent_session_id" => row.ParentId,
        "status" => row.Status,
        "lifecycle" => row.Lifecycle,
        "labels" => row.Labels,
        "depth" => row.Depth,
        "child_count" => row.ChildCount,
        "subject_authority_record_id" => row.SubjectAuthorityRecordId,
        "subject_id" => row.SubjectId,
        "federated_user_id" => row.FederatedUserId,
        "federated_user_issuer" => row.FederatedUserIssuer,
        "started_at" => row.StartedAt,
        "last_active_at" => row.LastActiveAt,
        "terminated_at" => row.TerminatedAt,
        "termination_reason" => row.TerminationReason,
        "ttl_seconds" => row.TtlSeconds,
        _ => null,
    };
}
