using System.Data.Common;
using Caracal.Storage.Lists;
using Dapper;

namespace Caracal.Storage.Providers;

/// <summary>A row of <c>providers</c>; secrets live sealed in <c>secret_store</c>.</summary>
public sealed record ProviderRow : AttributedRow
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string Name { get; init; } = "";
    public string Identifier { get; init; } = "";
    public string ProviderKind { get; init; } = "";
    public JsonText ConfigJson { get; init; }
    public string[] SecretConfigKeys { get; init; } = [];
    public DateTimeOffset? ConnectivityFailedAt { get; init; }

    /// <summary>One more with every second credential put in use, or taken out again.</summary>
    public long CredentialVersion { get; init; } = 1;

    /// <summary>Until when answers to the credential are counted; null when it is the only one.</summary>
    public DateTimeOffset? CredentialObservedUntil { get; init; }
    public DateTimeOffset? ArchivedAt { get; init; }
}

/// <summary>Table <c>providers</c> (storage.md 4).</summary>
public static class ProviderStore
{
    private const string Select =
        """
        SELECT id, zone_id, name, identifier, provider_kind, config_json, secret_config_keys, connectivity_failed_at, archived_at, credential_version, credential_observed_until,
               created_by, created_via_operator, updated_by, updated_via_operator, created_at, updated_at FROM providers
        """;

    /// <summary>An unarchived provider.</summary>
    public static Task<ProviderRow?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<ProviderRow>(
            $"{Select} WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL", new { zoneId, id });

    public static Task<ProviderRow?> FindByIdentifierAsync(DbConnection connection, string zoneId, string identifier) =>
        connection.QuerySingleOrDefaultAsync<ProviderRow>(
            $"{Select} WHERE zone_id = @zoneId AND identifier = @identifier AND archived_at IS NULL", new { zoneId, identifier });

    public static Task<IReadOnlyList<ProviderRow>> ListAsync(DbConnection connection, string zoneId, bool archived, PageQuery page) =>
        new Filter()
            .AndEqual("zone_id", "zoneId", zoneId)
            .And(archived ? "archived_at IS NOT NULL" : "archived_at IS NULL")
            .PageAsync<ProviderRow>(connection, Select, page);

    public static Task InsertAsync(Work work, ProviderRow provider) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO providers (id, zone_id, name, identifier, provider_kind, config_json, secret_config_keys,
                                   connectivity_failed_at, created_by, created_via_operator, created_at, updated_at)
            VALUES (@Id, @ZoneId, @Name, @Identifier, @ProviderKind, @ConfigJson, @SecretConfigKeys,
                    @ConnectivityFailedAt, @CreatedBy, @CreatedViaOperator, @CreatedAt, @UpdatedAt)
            """,
            provider);

    public static Task UpdateAsync(Work work, ProviderRow provider) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE providers SET name = @Name, identifier = @Identifier, provider_kind = @ProviderKind, config_json = @ConfigJson,
                secret_config_keys = @SecretConfigKeys, connectivity_failed_at = @ConnectivityFailedAt,
                updated_by = @UpdatedBy, updated_via_operator = @UpdatedViaOperator, updated_at = @UpdatedAt
            WHERE zone_id = @ZoneId AND id = @Id
            """,
            provider);

    /// <summary>Notes what a connectivity check found; null is well. False when the provider is gone.</summary>
    public static async Task<bool> StampAsync(Work work, string zoneId, string id, DateTimeOffset? failedAt) =>
        await work.Connection.ExecuteAsync(
            "UPDATE providers SET connectivity_failed_at = @failedAt WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL",
            new { zoneId, id, failedAt }) > 0;

    public static async Task<bool> ArchiveAsync(Work work, string zoneId, string id, string actor, DateTimeOffset now) =>
        await work.Connection.ExecuteAsync(
            """
            UPDATE providers SET archived_at = @now, updated_at = @now, updated_by = @actor
            WHERE zone_id = @zoneId AND id = @id AND archived_at IS NULL
            """,
            new { zoneId, id, actor, now }) > 0;
}
