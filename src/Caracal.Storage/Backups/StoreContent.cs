using System.Collections.Immutable;
using System.Data.Common;
using Caracal.Storage.Migrations;
using Caracal.Storage.Reencryption;
using Dapper;

namespace Caracal.Storage.Backups;

/// <summary>A store that cannot be copied or restored as asked; the text says why and what to do.</summary>
public sealed class StoreBackupException(string message) : Exception(message);

/// <summary>Where a ledger's chain stood.</summary>
/// <param name="ZoneId">Its chain.</param>
/// <param name="Sequence">Number of its last row.</param>
/// <param name="ContentSha256">Hash of its last row.</param>
public sealed record ChainHead(string ZoneId, long Sequence, string ContentSha256);

/// <summary>What a copy of a store holds, read at the moment of the copy.</summary>
/// <param name="Engine"><c>sqlite</c> or <c>postgresql</c>.</param>
/// <param name="Schema">The migrations that were applied.</param>
/// <param name="KekIds">How many values are sealed with each KEK.</param>
/// <param name="Heads">The chains of the ledger.</param>
/// <param name="Tables">Rows of every table that was copied one by one; empty for a copy in one file.</param>
/// <param name="Months">Months of the ledger, as <c>yyyy-MM-01</c>.</param>
public sealed record StoreContent(
    string Engine, ImmutableArray<string> Schema, IReadOnlyDictionary<string, long> KekIds, ImmutableArray<ChainHead> Heads,
    IReadOnlyDictionary<string, long> Tables, ImmutableArray<string> Months)
{
    /// <summary>Every migration this version knows, in order.</summary>
    internal static IEnumerable<string> SchemaOf(ISqlDialect dialect) => MigrationFiles.For(dialect).Select(migration => migration.Version);

    internal static async Task<StoreContent> ReadAsync(DbConnection connection, string engine)
    {
        var schema = await connection.QueryAsync<string>("SELECT version FROM schema_migrations ORDER BY version");
        var kids = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var family in EnvelopeFamily.All)
        {
            foreach (var (kid, rows) in await EnvelopeStore.CountByKeyAsync(connection, family)) kids[kid] = kids.GetValueOrDefault(kid) + rows;
        }

        var heads = await connection.QueryAsync<ChainHead>(
            "SELECT zone_id AS ZoneId, chain_seq AS Sequence, content_sha256 AS ContentSha256 FROM audit_chain_heads ORDER BY zone_id");
        return new StoreContent(engine, [.. schema], kids, [.. heads], new Dictionary<string, long>(StringComparer.Ordinal), []);
    }
}
