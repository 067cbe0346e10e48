using System.Runtime.CompilerServices;
using Caracal.Evidence.Ledger;
using Parquet;
using Parquet.Schema;

namespace Caracal.Audit.Export;

/// <summary>Ledger rows as one Parquet file.</summary>
internal sealed class LedgerFileWriter : IAsyncDisposable
{
    /// <summary>Rows of a row group: what a reader has to hold at once.</summary>
    private const int GroupSize = 10_000;

    private readonly ParquetWriter _writer;
    private readonly List<LedgerRow> _rows = new(GroupSize);
    private int _ended;

    private LedgerFileWriter(ParquetWriter writer) => _writer = writer;

    public static async Task<LedgerFileWriter> CreateAsync(Stream target, CancellationToken cancellationToken) => new(await ParquetWriter.CreateAsync(
        LedgerColumns.Schema, target, new ParquetOptions { CompressionMethod = CompressionMethod.Snappy, DictionaryEncodingSampleSize = 512 }, cancellationToken: cancellationToken));

    public async Task AddAsync(LedgerRow row, CancellationToken cancellationToken)
    {
        _rows.Add(row);
        if (_rows.Count == GroupSize) await FlushAsync(cancellationToken);
    }

    /// <summary>Ends the file; the stream stays open.</summary>
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        if (_rows.Count > 0) await FlushAsync(cancellationToken);
        await DisposeAsync();
    }

    // The library writes its footer, and counts its rows, as often as it is asked to.
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0) await _writer.DisposeAsync();
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        using var group = _writer.CreateRowGroup();
        foreach (var column in LedgerColumns.All) await column.WriteAsync(group, _rows, cancellationToken);
        _rows.Clear();
    }
}

/// <summary>Reads what <see cref="LedgerFileWriter"/> wrote.</summary>
internal static class LedgerFileReader
{
    /// <summary>Every row, in the file's order.</summary>
    /// <exception cref="InvalidDataException">The file is not a ledger's.</exception>
    public static async IAsyncEnumerable<LedgerRow> ReadAsync(Stream file, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var reader = await OpenAsync(file, cancellationToken);
        for (var i = 0; i < reader.RowGroupCount; i++)
        {
            foreach (var row in await ReadGroupAsync(reader, i, cancellationToken)) yield return row;
        }
    }

    private static async Task<ParquetReader> OpenAsync(Stream file, CancellationToken cancellationToken)
    {
        try
        {
            return await ParquetReader.CreateAsync(file, leaveStreamOpen: true, cancellationToken: cancellationToken);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            throw new InvalidDataException("the file is not Parquet", fault);
        }
    }

    // A file that somebody changed may break the decoder anywhere: whatever it throws, the file is not a ledger's.
    private static async Task<LedgerRow[]> ReadGroupAsync(ParquetReader reader, int index, CancellationToken cancellationToken)
    {
        try
        {
            using var group = reader.OpenRowGroupReader(index);
            var columns = new Columns(reader.Schema, group, checked((int)group.RowCount), cancellationToken);
            await columns.LoadAsync();
            return [.. Enumerable.Range(0, columns.Count).Select(columns.Row)];
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            throw new InvalidDataException($"row group {index} cannot be read: {fault.Message}", fault);
        }
    }

    private sealed class Columns(ParquetSchema schema, ParquetRowGroupReader group, int count, CancellationToken cancellationToken)
    {
        private static readonly string[] TextNames = [.. LedgerColumns.All.OfType<TextColumn>().Select(column => column.Field.Name)];
        private static readonly string[] NumberNames = ["chain_seq", "occurred_at_us", "ingested_at_us"];

        private readonly Dictionary<string, string[]> _texts = new(StringComparer.Ordinal);
        private readonly Dictionary<string, long[]> _numbers = new(StringComparer.Ordinal);

        public int Count => count;

        public async Task LoadAsync()
        {
            foreach (var name in TextNames)
            {
                var values = new string?[count];
                await group.ReadAsync(schema.FindDataField(name), values.AsMemory(), cancellationToken: cancellationToken);
                _texts[name] = [.. values.Select(value => value ?? "")];
            }

            foreach (var name in NumberNames)
            {
                var values = new long[count];
                await group.ReadAsync<long>(schema.FindDataField(name), values.AsMemory(), cancellationToken: cancellationToken);
                _numbers[name] = values;
            }
        }

        public LedgerRow Row(int i) => new()
        {
            Entry = new LedgerEntry
            {
                Id = _texts["event_id"][i],
                ZoneId = _texts["zone_id"][i],
                EventType = _texts["event_type"][i],
                RequestId = _texts["request_id"][i],
                Decision = _texts["decision"][i],
                PolicySetId = Optional("policy_set_id", i),
                PolicySetVersionId = Optional("policy_set_version_id", i),
                ManifestSha = Optional("manifest_sha", i),
                EvaluationStatus = _texts["evaluation_status"][i],
                DeterminingPoliciesJson = Optional("determining_policies_json", i),
                DiagnosticsJson = Optional("diagnostics_json", i),
                MetadataJson = Optional("metadata_json", i),
                OccurredAt = Time("occurred_at_us", i),
            },
            ChainSeq = _numbers["chain_seq"][i],
            ContentSha256 = _texts["content_sha256"][i],
            PrevContentSha256 = Optional("prev_content_sha256", i),
            ChainHmac = _texts["chain_hmac"][i],
            HmacKeyId = Optional("hmac_key_id", i),
            IngestKeyId = Optional("ingest_key_id", i),
            IngestSignature = Optional("ingest_signature", i),
            IngestedAt = Time("ingested_at_us", i),
        };

        private string? Optional(string name, int i) => _texts[name][i] is { Length: > 0 } text ? text : null;

        private DateTimeOffset Time(string name, int i) => DateTimeOffset.UnixEpoch.AddTicks(_numbers[name][i] * TimeSpan.TicksPerMicrosecond);
    }
}
