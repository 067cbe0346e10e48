using System.Buffers;
using System.Data.Common;
using System.Text;
using Caracal.Evidence.Ledger;
using Caracal.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Caracal.Storage.Ledger;

/// <summary>From columns to hashed bytes without a text in between, as either engine holds them.</summary>
internal static class StoredPreimages
{
    /// <summary>The content in the order in which it is hashed, then the links. The zone is the reader's own.</summary>
    public const string Columns =
        """
        id, event_type, request_id, decision, policy_set_id, policy_set_version_id, manifest_sha, evaluation_status,
        determining_policies_json, diagnostics_json, metadata_json, occurred_at,
        content_sha256, prev_content_sha256, chain_hmac, chain_seq, hmac_key_id
        """;

    private const int FirstJson = 8;
    private const int OccurredAt = 11;

    public static async Task<PreimagePage> ReadAllAsync(DbCommand command, string zoneId)
    {
        await using var reader = await command.ExecuteReaderAsync();
        var page = new PreimagePage();
        var zone = Encoding.UTF8.GetBytes(zoneId);
        var scratch = ArrayPool<byte>.Shared.Rent(4096);
        string? keyId = null;
        try
        {
            while (await reader.ReadAsync())
            {
                for (var column = 0; column < OccurredAt; column++)
                {
                    var value = Value(reader, column, ref scratch);
                    if (column < FirstJson) page.AppendText(value);
                    else page.AppendJson(Embedded(reader) is null ? Json(value) : value, reader.IsDBNull(column));
                    if (column == 0) page.AppendText(zone);
                }

                keyId = Same(Value(reader, 16, ref scratch), reader.IsDBNull(16), keyId);
                page.Add(Time(reader), new StoredLinks(zoneId, reader.GetInt64(15), reader.GetString(12), Text(reader, 13), Text(reader, 14), keyId));
            }

            return page;
        }
        catch
        {
            page.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }

    private static ReadOnlySpan<byte> Value(DbDataReader row, int column, ref byte[] scratch)
    {
        // The bytes lie where SQLite read them, until the next row; NULL has none.
        if (Embedded(row) is { } statement) return raw.sqlite3_column_blob(statement, column);
        if (row.IsDBNull(column)) return [];
        var length = (int)row.GetBytes(column, 0, null, 0, 0);
        if (length > scratch.Length)
        {
            ArrayPool<byte>.Shared.Return(scratch);
            scratch = ArrayPool<byte>.Shared.Rent(length);
        }

        return scratch.AsSpan(0, (int)row.GetBytes(column, 0, scratch, 0, length));
    }

    private static sqlite3_stmt? Embedded(DbDataReader row) => row switch
    {
        KeptReader kept => kept.Handle,
        SqliteDataReader provided => provided.Handle,
        _ => null,
    };

    // PostgreSQL's jsonb comes with the number of its form before its text. A text of SQLite's that begins so is not what was
    // stored, and has to be hashed as it is.
    private static ReadOnlySpan<byte> Json(ReadOnlySpan<byte> value) => value is [1, ..] ? value[1..] : value;

    // Thousands of rows name one key.
    private static string? Same(ReadOnlySpan<byte> value, bool isNull, string? last) =>
        isNull ? null : last is not null && Ascii.Equals(value, last) ? last : Encoding.UTF8.GetString(value);

    private static DateTimeOffset Time(DbDataReader row) => Embedded(row) is not null
        ? Instants.FromMicroseconds(row.GetInt64(OccurredAt))
        : new DateTimeOffset(DateTime.SpecifyKind(row.GetDateTime(OccurredAt), DateTimeKind.Utc));

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
