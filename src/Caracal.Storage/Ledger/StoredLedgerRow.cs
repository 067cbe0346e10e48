using System.Data.Common;
using Caracal.Evidence.Ledger;

namespace Caracal.Storage.Ledger;

/// <summary>From columns to ledger rows by position: a verification reads every row there is, and names cost a third of it.</summary>
internal static class StoredLedgerRow
{
    public const string Columns =
        """
        id, zone_id, event_type, request_id, decision, policy_set_id, policy_set_version_id, manifest_sha,
        evaluation_status, determining_policies_json, diagnostics_json, metadata_json, occurred_at, ingested_at,
        content_sha256, prev_content_sha256, chain_hmac, chain_seq, ingest_signature, hmac_key_id, ingest_key_id
        """;

    public static async Task<IReadOnlyList<LedgerRow>> ReadAllAsync(DbCommand command)
    {
        await using var reader = await command.ExecuteReaderAsync();
        return await ReadAllAsync(reader);
    }

    public static async Task<IReadOnlyList<LedgerRow>> ReadAllAsync(DbDataReader reader)
    {
        var rows = new List<LedgerRow>();
        while (await reader.ReadAsync()) rows.Add(Read(reader));
        return rows;
    }

    private static LedgerRow Read(DbDataReader row) => new()
    {
        Entry = new LedgerEntry
        {
            Id = row.GetString(0),
            ZoneId = row.GetString(1),
            EventType = Text(row, 2) ?? "",
            RequestId = Text(row, 3) ?? "",
            Decision = Text(row, 4) ?? "",
            PolicySetId = Text(row, 5),
            PolicySetVersionId = Text(row, 6),
            ManifestSha = Text(row, 7),
            EvaluationStatus = Text(row, 8) ?? "",
            DeterminingPoliciesJson = Text(row, 9),
            DiagnosticsJson = Text(row, 10),
            MetadataJson = Text(row, 11),
            OccurredAt = Time(row, 12),
        },
        IngestedAt = Time(row, 13),
        ContentSha256 = row.GetString(14),
        PrevContentSha256 = Text(row, 15),
        ChainHmac = Text(row, 16),
        ChainSeq = row.GetInt64(17),
        IngestSignature = Text(row, 18),
        HmacKeyId = Text(row, 19),
        IngestKeyId = Text(row, 20),
    };

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset Time(DbDataReader row, int column) => row.GetValue(column) switch
    {
        long microseconds => Instants.FromMicroseconds(microseconds),
        DateTime time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
        var other => throw new InvalidDataException($"a time came back as {other.GetType().Name}"),
    };
}
