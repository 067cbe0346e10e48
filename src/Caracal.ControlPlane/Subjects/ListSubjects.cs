using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.ProviderConnections;
using Caracal.ControlPlane.Sessions;
using Caracal.Storage;
using Caracal.Storage.AuditReads;
using Caracal.Storage.Lists;
using Caracal.Storage.ProviderConnections;
using Caracal.Storage.Subjects;

namespace Caracal.ControlPlane.Subjects;

/// <summary><c>GET …/subjects</c> and <c>GET …/subjects/overview</c>: who acts in a zone, and what one of them holds (api.md 11.4).</summary>
internal sealed class ListSubjects(Database database)
{
    private const int LongestCursor = 1024;
    private const int RecentSessions = 5;
    private const int ShownConnections = 10;

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var kind = call.Query.OneOf("kind", "user", "application");
        var search = call.Query.Text("search", 256);
        var page = call.Page(100, 200, LongestCursor);
        if ((call.Query.Problem ?? page.Problem) is { } problem) return problem;
        var rows = await database.ReadAsync(
            connection => SubjectReads.ListAsync(connection, database.Dialect, call.ZoneId, kind, search, call.Now, page.Query), call.Cancelled);
        return Paging.List(rows, page.Query, row => new Keyset(row.LastSeen, row.SubjectId), Write);
    }

    public async Task<Answer> OverviewAsync(ApiCall call)
    {
        var subjectId = call.Query.Text("subject_id");
        if (call.Query.Problem is { } problem) return problem;
        if (subjectId is null) return ControlPlaneErrors.InvalidQuery.With("subject_id is required");
        var latest = new PageQuery(Keyset.Top, RecentSessions);
        var ofSubject = new SessionListFilter(null, null, null, null, subjectId, null);
        var (subject, figures, sessions, connections) = await database.ReadSnapshotAsync(
            async connection => (
                await SubjectReads.FindAsync(connection, database.Dialect, call.ZoneId, subjectId, call.Now),
                await SubjectReads.FiguresAsync(connection, call.ZoneId, subjectId, call.Now),
                await SessionReads.ListAsync(connection, database.Dialect, call.ZoneId, ofSubject, latest),
                await ConnectionDirectory.ListAsync(connection, call.ZoneId, null, subjectId, null, latest with { Limit = ShownConnections })),
            call.Cancelled);
        if (subject is null) return ControlPlaneErrors.SubjectNotFound;
        return Answer.Ok(JsonRows.Object(writer =>
        {
            writer.WriteStartObject("subject");
            Write(writer, subject);
            writer.WriteEndObject();
            writer.WriteStartObject("governed");
            writer.WriteNumber("active", figures.ActiveSessions);
            writer.WriteNumber("total", figures.TotalSessions);
            writer.Rows("recent", sessions, ListSessions.Write);
            writer.WriteEndObject();
            writer.WriteStartObject("approvals");
            writer.WriteNumber("pending", figures.PendingApprovals);
            writer.WriteNumber("total", figures.TotalApprovals);
            writer.WriteEndObject();
            writer.Rows("connections", connections, ConnectionJson.WriteListed);
        }));
    }

    private static void Write(Utf8JsonWriter writer, SubjectRow row)
    {
        writer.WriteString("subject_id", row.SubjectId);
        writer.WriteBoolean("federated", row.Federated);
        writer.WriteString("application_name", row.ApplicationName);
        writer.WriteNumber("total_sessions", row.TotalSessions);
        writer.WriteNumber("active_sessions", row.ActiveSessions);
        writer.WriteNumber("revoked_sessions", row.RevokedSessions);
        writer.Time("first_seen", row.FirstSeen);
        writer.Time("last_seen", row.LastSeen);
        writer.Time("last_revoked_at", row.LastRevokedAt);
        writer.WriteString("issuer", row.Issuer);
    }
}
