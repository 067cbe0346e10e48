using Caracal.Evidence.Ledger;
using Parquet;
using Parquet.Schema;

namespace Caracal.Audit.Export;

/// <summary>The columns of an exported hour, in their order (audit.md 8: OCSF 1.7.0 Authorization Activity, then what verification needs).</summary>
internal static class LedgerColumns
{
    private const int ClassId = 6003;
    private const int TypeId = 600301;

    public static IReadOnlyList<LedgerColumn> All { get; } =
    [
        Number("class_uid", _ => ClassId),
        Number("type_uid", _ => TypeId),
        Number("severity_id", row => IsDeny(row) ? 2 : 1),
        Number("activity_id", row => IsDeny(row) ? 2 : 1),
        Number("time", row => row.Entry.OccurredAt.ToUnixTimeMilliseconds()),
        Text("zone_id", row => row.Entry.ZoneId),
        Text("request_id", row => row.Entry.RequestId),
        Text("policy_set_version_id", row => row.Entry.PolicySetVersionId),
        Text("decision", row => row.Entry.Decision),
        Text("metadata_version", _ => "1.7.0"),
        Text("product_name", _ => "caracal"),
        Text("event_id", row => row.Entry.Id),
        Text("event_type", row => row.Entry.EventType),
        Text("policy_set_id", row => row.Entry.PolicySetId),
        Text("manifest_sha", row => row.Entry.ManifestSha),
        Text("evaluation_status", row => row.Entry.EvaluationStatus),
        Text("determining_policies_json", row => row.Entry.DeterminingPoliciesJson),
        Text("diagnostics_json", row => row.Entry.DiagnosticsJson),
        Text("metadata_json", row => row.Entry.MetadataJson),
        Text("content_sha256", row => row.ContentSha256),
        Text("chain_hmac", row => row.ChainHmac),
        Number("chain_seq", row => row.ChainSeq),
        Text("prev_content_sha256", row => row.PrevContentSha256),
        Number("occurred_at_us", row => Microseconds(row.Entry.OccurredAt)),
        Number("ingested_at_us", row => Microseconds(row.IngestedAt)),
        Text("hmac_key_id", row => row.HmacKeyId),
        Text("ingest_signature", row => row.IngestSignature),
        Text("ingest_key_id", row => row.IngestKeyId),
    ];

    public static ParquetSchema Schema { get; } = new([.. All.Select(column => column.Field)]);

    private static bool IsDeny(LedgerRow row) => row.Entry.Decision.Equals("deny", StringComparison.OrdinalIgnoreCase);

    private static long Microseconds(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    private static TextColumn Text(string name, Func<LedgerRow, string?> of) => new(name, of);

    private static NumberColumn<int> Number(string name, Func<LedgerRow, int> of) => new(name, of);

    private static NumberColumn<long> Number(string name, Func<LedgerRow, long> of) => new(name, of);
}

/// <summary>One column, always filled: an absent text is an empty one.</summary>
/// <param name="field">Its name and type.</param>
internal abstract class LedgerColumn(DataField field)
{
    public DataField Field { get; } = field;

    /// <summary>Writes the column's chunk of a row group.</summary>
    public abstract Task WriteAsync(ParquetRowGroupWriter group, IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken);
}

internal sealed class NumberColumn<T>(string name, Func<LedgerRow, T> of) : LedgerColumn(new DataField<T>(name, nullable: false))
    where T : struct
{
    public override Task WriteAsync(ParquetRowGroupWriter group, IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken)
    {
        var values = new T[rows.Count];
        for (var i = 0; i < values.Length; i++) values[i] = of(rows[i]);
        return group.WriteAsync<T>(Field, values, cancellationToken: cancellationToken);
    }
}

internal sealed class TextColumn(string name, Func<LedgerRow, string?> of) : LedgerColumn(new DataField(name, typeof(string), isNullable: false))
{
    public override Task WriteAsync(ParquetRowGroupWriter group, IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken)
    {
        var values = new ReadOnlyMemory<char>[rows.Count];
        for (var i = 0; i < values.Length; i++) values[i] = (of(rows[i]) ?? "").AsMemory();
        return group.WriteAsync<ReadOnlyMemory<char>>(Field, values, cancellationToken: cancellationToken);
    }
}
