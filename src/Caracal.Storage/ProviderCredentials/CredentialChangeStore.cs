using System.Data.Common;
using Caracal.Storage.Providers;
using Dapper;

namespace Caracal.Storage.ProviderCredentials;

/// <summary>A row of <c>provider_credential_changes</c>: one second credential of a provider and how far it is.</summary>
public sealed record CredentialChange
{
    public string Id { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string ProviderId { get; init; } = "";

    /// <summary>One more at every step; a step that names another is refused.</summary>
    public long Version { get; init; }
    public string State { get; init; } = "";

    /// <summary>The public fields that belong to the new credential, such as a user name.</summary>
    public JsonText Fields { get; init; }

    /// <summary>The same fields of the credential before; null until the shift.</summary>
    public JsonText? PreviousFields { get; init; }
    public string? CanaryStatus { get; init; }
    public string? CanaryDetail { get; init; }
    public DateTimeOffset? CanaryAt { get; init; }

    /// <summary>Where the canary called; null when it asked a token endpoint.</summary>
    public string? CanaryResourceId { get; init; }
    public string? CanaryPath { get; init; }
    public string? CanaryMethod { get; init; }

    /// <summary>Shifted without a proof.</summary>
    public bool Forced { get; init; }

    /// <summary>Falls back by itself.</summary>
    public bool Automatic { get; init; }
    public long RefusalsAllowed { get; init; }

    /// <summary>Per cent of the answers.</summary>
    public long RefusedPercent { get; init; }

    /// <summary>The provider's <c>credential_version</c> since the shift; 0 before.</summary>
    public long CredentialVersion { get; init; }
    public DateTimeOffset? ShiftedAt { get; init; }
    public DateTimeOffset? ObserveUntil { get; init; }
    public long Answers { get; init; }
    public long Refusals { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public string? EndReason { get; init; }
    public string? CreatedBy { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Table <c>provider_credential_changes</c> and what it does to <c>providers</c>.</summary>
public static class CredentialChangeStore
{
    private const string Select =
        """
        SELECT id, zone_id, provider_id, version, state, fields, previous_fields, canary_status, canary_detail, canary_at,
               canary_resource_id, canary_path, canary_method, forced, automatic,
               refusals_allowed, refused_percent, credential_version, shifted_at, observe_until, answers, refusals, ended_at, end_reason,
               created_by, created_at, updated_at FROM provider_credential_changes
        """;

    /// <summary>The change in progress, or the last one that ended.</summary>
    public static Task<CredentialChange?> FindLatestAsync(DbConnection connection, string zoneId, string providerId) =>
        connection.QuerySingleOrDefaultAsync<CredentialChange>(
            $"{Select} WHERE zone_id = @zoneId AND provider_id = @providerId ORDER BY created_at DESC, id DESC LIMIT 1", new { zoneId, providerId });

    /// <summary>Every change whose credential is in use and not yet alone, of all zones.</summary>
    public static async Task<IReadOnlyList<CredentialChange>> ListShiftedAsync(DbConnection connection) =>
        (await connection.QueryAsync<CredentialChange>($"{Select} WHERE state = 'shifted' ORDER BY id")).AsList();

    public static Task InsertAsync(Work work, CredentialChange change) =>
        work.Connection.ExecuteAsync(
            """
            INSERT INTO provider_credential_changes (id, zone_id, provider_id, version, state, fields, created_by, created_at, updated_at)
            VALUES (@Id, @ZoneId, @ProviderId, @Version, @State, @Fields, @CreatedBy, @CreatedAt, @UpdatedAt)
            """,
            change);

    /// <summary>Writes a step; false when somebody else has taken one since <paramref name="before"/> was read.</summary>
    public static async Task<bool> UpdateAsync(Work work, CredentialChange before, CredentialChange after) =>
        await work.Connection.ExecuteAsync(
            """
            UPDATE provider_credential_changes SET version = @Version + 1, state = @State, previous_fields = @PreviousFields,
                canary_status = @CanaryStatus, canary_detail = @CanaryDetail, canary_at = @CanaryAt,
                canary_resource_id = @CanaryResourceId, canary_path = @CanaryPath, canary_method = @CanaryMethod, forced = @Forced, automatic = @Automatic,
                refusals_allowed = @RefusalsAllowed, refused_percent = @RefusedPercent, credential_version = @CredentialVersion,
                shifted_at = @ShiftedAt, observe_until = @ObserveUntil, answers = @Answers, refusals = @Refusals, ended_at = @EndedAt,
                end_reason = @EndReason, updated_at = @UpdatedAt
            WHERE id = @Id AND version = @Version
            """,
            after with { Id = before.Id, Version = before.Version }) == 1;

    /// <summary>Holds the provider's row still until the transaction ends; false when there is none.</summary>
    public static async Task<bool> LockProviderAsync(Work work, string zoneId, string providerId) =>
        await work.Connection.ExecuteScalarAsync<string?>(
            $"SELECT id FROM providers WHERE zone_id = @zoneId AND id = @providerId AND archived_at IS NULL {work.Dialect.ForUpdate}",
            new { zoneId, providerId }) is not null;

    /// <summary>Puts another credential's public fields in place and says until when it is observed; returns the new credential version.</summary>
    public static Task<long> ReplaceAsync(
        Work work, ProviderRow provider, JsonText config, string[] secretKeys, DateTimeOffset? observedUntil, string actor, DateTimeOffset now) =>
        work.Connection.ExecuteScalarAsync<long>(
            """
            UPDATE providers SET config_json = @config, secret_config_keys = @secretKeys, credential_version = credential_version + 1,
                credential_observed_until = @observedUntil, updated_by = @actor, updated_at = @now
            WHERE zone_id = @ZoneId AND id = @Id RETURNING credential_version
            """,
            new { provider.ZoneId, provider.Id, config, secretKeys, observedUntil, actor, now });

    /// <summary>Ends the observation; the credential stays.</summary>
    public static Task EndObservationAsync(Work work, string zoneId, string providerId) =>
        work.Connection.ExecuteAsync(
            "UPDATE providers SET credential_observed_until = NULL WHERE zone_id = @zoneId AND id = @providerId", new { zoneId, providerId });
}
