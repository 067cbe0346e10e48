using System.Text.Json;
using Caracal.ControlPlane.AuditReads;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.AuthorityRecords;

/// <summary><c>GET …/authority-records</c> (api.md 11.5).</summary>
internal sealed class ListAuthorityRecords(Database database)
{
    private static readonly string[] Columns =
    [
        "authority_record_id", "authority_record_type", "subject_id", "federated_user_issuer", "parent_authority_record_id", "status",
        "authenticated_at", "created_at", "expires_at", "revoked_at", "revoked_reason",
    ];

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var id = call.Query.Text("authority_record_id", 128);
        var status = call.Query.OneOf("status", "active", "revoked", "expired");
        var subject = call.Query.Text("subject_id");
        var kind = call.Query.OneOf("kind", "user", "application");
        call.Query.OneOf("format", "json", "csv");
        var page = call.Page(100, 1000);
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => AuthorityRecordReads.ListAsync(connection, database.Dialect, call.ZoneId, id, status, subject, kind, page.Query), call.Cancelled);
        return FlatList.Of(
            call, "authority-records", new FieldList(Columns, false, null), rows, page.Query, row => new Keyset(row.CreatedAt, row.Id), Write, Flatten);
    }

    private static void Write(Utf8JsonWriter writer, AuthorityRecordListRow row)
    {
        writer.WriteString("authority_record_id", row.Id);
        writer.WriteString("zone_id", row.ZoneId);
        writer.WriteString("authority_record_type", row.SessionType);
        writer.WriteString("subject_id", row.SubjectId);
        if (row.SessionType == "user") writer.WriteString("federated_user_issuer", row.FederatedUserIssuer);
        writer.WriteString("parent_authority_record_id", row.ParentId);
        writer.WriteString("status", row.Status);
        writer.Time("expires_at", row.ExpiresAt);
        writer.Time("authenticated_at", row.AuthenticatedAt);
        writer.Time("created_at", row.CreatedAt);
        writer.Time("revoked_at", row.RevokedAt);
        writer.WriteString("revoked_reason", row.RevokedReason);
    }

    private static FlatRow Flatten(AuthorityRecordListRow row) => field => field switch
    {
        "authority_record_id" => row.Id,
        "authority_record_type" => row.SessionType,
        "subject_id" => row.SubjectId,
        "federated_user_issuer" => row.FederatedUserIssuer,
        "parent_authority_record_id" => row.ParentId,
        "status" => row.Status,
        "authenticated_at" => row.AuthenticatedAt,
        "created_at" => row.CreatedAt,
        "expires_at" => row.ExpiresAt,
        "revoked_at" => row.RevokedAt,
        "revoked_reason" => row.RevokedReason,
        _ => null,
    };
}
