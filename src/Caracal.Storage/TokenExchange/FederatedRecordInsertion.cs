using Dapper;

namespace Caracal.Storage.TokenExchange;

/// <summary>Inserts the authority record of a federated user: it stands on nothing stored, so there is nothing to check again (sts.md 2.5).</summary>
public sealed class FederatedRecordInsertion(Database database)
{
    public Task InsertAsync(NewAuthorityRecord record, string claimsJson, CancellationToken cancellationToken) =>
        database.WriteAsync(
            work => work.Connection.ExecuteAsync(
                """
                INSERT INTO authority_records
                    (id, zone_id, session_type, subject_id, status, expires_at, authenticated_at, claims_json, created_at)
                VALUES (@Id, @ZoneId, @SessionType, @SubjectId, 'active', @ExpiresAt, @Now, @claims, @Now)
                """,
                new { record.Id, record.ZoneId, record.SessionType, record.SubjectId, record.ExpiresAt, record.Now, claims = new JsonText(claimsJson) }),
            cancellationToken);
}
