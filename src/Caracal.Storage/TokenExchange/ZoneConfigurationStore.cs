using System.Collections.Immutable;
using System.Data.Common;
using System.Text.Json;
using Caracal.Authority.TokenExchange;
using Dapper;

namespace Caracal.Storage.TokenExchange;

/// <summary>Reads a zone's configuration whole, under one snapshot, so that its version number is true of all of it.</summary>
public sealed class ZoneConfigurationStore(Database database)
{
    // In the order in which LoadAsync takes their rows.
    private static readonly string[] Queries =
    [
        """
        SELECT z.id, z.archived_at, coalesce(v.version, 0) AS version
        FROM zones z LEFT JOIN zone_versions v ON v.zone_id = z.id WHERE z.id = @zoneId
        """,
        """
        SELECT id, owner, hash, expires_at FROM credential_secrets
        WHERE zone_id = @zoneId AND state = 'previous' ORDER BY created_at DESC, id DESC
        """,
        """
        SELECT id, name, registration_method, client_secret_hash, traits, expires_at FROM applications
        WHERE zone_id = @zoneId AND archived_at IS NULL
        """,
        """
        SELECT id, identifier, upstream_url, credential_provider_id, scopes, operations, operation_enforcement FROM resources
        WHERE zone_id = @zoneId AND archived_at IS NULL
        """,
        "SELECT id, provider_kind, config_json FROM providers WHERE zone_id = @zoneId AND archived_at IS NULL",
        """
        SELECT b.policy_set_id, v.id AS version_id, v.manifest_json, v.manifest_sha256
        FROM policy_set_bindings b JOIN policy_set_versions v ON v.id = b.active_version_id WHERE b.zone_id = @zoneId
        """,
        "SELECT id, issuer, jwks_url, audience FROM subject_issuers WHERE zone_id = @zoneId AND archived_at IS NULL",
        SigningKeys.SigningKeyStore.List,
    ];

    /// <summary>Null when the zone does not exist.</summary>
    public Task<ZoneConfiguration?> LoadAsync(string zoneId, CancellationToken cancellationToken) =>
        database.ReadSettledSnapshotAsync(connection => LoadAsync(connection, database.Dialect, zoneId), cancellationToken);

    /// <summary>The zone's version now; 0 when it was never written.</summary>
    public Task<long> ReadVersionAsync(string zoneId, CancellationToken cancellationToken) =>
        database.ReadSettledAsync(
            async connection =>
            {
                var command = PreparedStatements.Get(connection, "SELECT version FROM zone_versions WHERE zone_id = @zone", "@zone");
                command.Set(0, StoredId.OrNull(zoneId));
                return await command.ExecuteScalarAsync() is long version ? version : 0L;
            },
            cancellationToken);

    /// <summary>Zones that have an active policy set, for loading at start.</summary>
    public Task<ImmutableArray<string>> ListBoundZonesAsync(CancellationToken cancellationToken) =>
        database.ReadSettledAsync(
            async connection => (await connection.QueryAsync<string>(
                "SELECT DISTINCT zone_id FROM policy_set_bindings WHERE active_version_id IS NOT NULL")).ToImmutableArray(),
            cancellationToken);

    /// <summary>The zone an application belongs to, for control keys and the zone hint (sts.md 2.4, 3); null when unknown or archived.</summary>
    public Task<string?> FindApplicationZoneAsync(string applicationId, CancellationToken cancellationToken) =>
        database.ReadSettledAsync(
            connection => connection.QuerySingleOrDefaultAsync<string?>(
                "SELECT zone_id FROM applications WHERE id = @applicationId AND archived_at IS NULL", new { applicationId = StoredId.OrNull(applicationId) }),
            cancellationToken);

    /// <summary>Contents of policy versions, in the order asked; an entry is null when its version does not exist.</summary>
    public Task<ImmutableArray<string?>> ReadPolicyContentsAsync(IReadOnlyList<string> versionIds, CancellationToken cancellationToken) =>
        database.ReadSettledAsync(
            async connection =>
            {
                var contents = ImmutableArray.CreateBuilder<string?>(versionIds.Count);
                foreach (var id in versionIds)
                {
                    contents.Add(await connection.QuerySingleOrDefaultAsync<string?>(
                        "SELECT content FROM policy_versions WHERE id = @id", new { id }));
                }

                return contents.ToImmutable();
            },
            cancellationToken);

    /// <summary>
    /// An unarchived provider and the sealed document at a reference, as they belong together: a shift to another credential
    /// changes both, and half of each is neither. Null when the provider is gone.
    /// </summary>
    public Task<SealedProvider?> ReadProviderAsync(string zoneId, string providerId, string reference, CancellationToken cancellationToken) =>
        database.ReadSettledAsync(
            connection => connection.QuerySingleOrDefaultAsync<SealedProvider?>(
                """
                SELECT p.config_json, p.credential_version, p.credential_observed_until, s.envelope
                FROM providers p LEFT JOIN secret_store s ON s.ref = @reference
                WHERE p.zone_id = @zoneId AND p.id = @providerId AND p.archived_at IS NULL
                """,
                new { zoneId, providerId, reference }),
            cancellationToken);

    /// <summary>The mint ceiling an operator set, or null.</summary>
    public Task<long?> ReadRateLimitAsync(CancellationToken cancellationToken) =>
        database.ReadSettledAsync(
            connection => connection.QuerySingleOrDefaultAsync<long?>("SELECT limit_per_minute FROM sts_rate_limit"),
            cancellationToken);

    private static async Task<ZoneConfiguration?> LoadAsync(DbConnection connection, ISqlDialect dialect, string zoneId)
    {
        await using var answers = await QueriesTogether.AskAsync(connection, dialect, Queries, new { zoneId });
        if ((await answers.NextAsync<ZoneRow>()).SingleOrDefault() is not { } zone)
        {
            return null;
        }

        var previous = (await answers.NextAsync<PreviousRow>()).ToLookup(row => row.Owner, StringComparer.Ordinal);
        var applications = await answers.NextAsync<ApplicationRow>();
        var resources = await answers.NextAsync<ResourceRow>();
        var providers = await answers.NextAsync<StoredProvider>();
        var set = (await answers.NextAsync<PolicySetRow>()).SingleOrDefault();
        var issuers = await answers.NextAsync<StoredIssuer>();
        var keys = await SigningKeys.SigningKeyStore.ListNextAsync(answers);
        return new ZoneConfiguration
        {
            ZoneId = zoneId,
            Version = zone.Version,
            IsArchived = zone.ArchivedAt is not null,
            Applications = [.. applications.Select(row => row.ToApplication(zoneId, previous))],
            Resources = [.. resources.Select(row => row.ToResource())],
            Providers = [.. providers.Select(row => new ProviderRow(row.Id, row.ProviderKind, row.ConfigJson))],
            PolicySet = set is null ? null : new ActivePolicySet(set.PolicySetId, set.VersionId, set.ManifestJson, set.ManifestSha256),
            SigningKeys = keys,
            SubjectIssuers = [.. issuers.Select(row => new SubjectIssuerRow(row.Id, row.Issuer, row.JwksUrl, row.Audience))],
        };
    }

    private sealed class ZoneRow
    {
        public string Id { get; set; } = "";
        public DateTimeOffset? ArchivedAt { get; set; }
        public long Version { get; set; }
    }

    private sealed class PreviousRow
    {
        public string Id { get; set; } = "";
        public string Owner { get; set; } = "";
        public string Hash { get; set; } = "";
        public DateTimeOffset? ExpiresAt { get; set; }
    }

    private sealed class ApplicationRow
    {
        public string Id { get; set; } = "";
        public string Name { get; set; } = "";
        public string RegistrationMethod { get; set; } = "";
        public string? ClientSecretHash { get; set; }
        public string[] Traits { get; set; } = [];
        public DateTimeOffset? ExpiresAt { get; set; }

        public ExchangeApplication ToApplication(string zoneId, ILookup<string, PreviousRow> previous) => new()
        {
            Id = Id,
            ZoneId = zoneId,
            Name = Name,
            RegistrationMethod = RegistrationMethod,
            SecretHash = ClientSecretHash,
            ExpiresAt = ExpiresAt,
            Traits = [.. Traits],
            PreviousSecrets = [.. previous[$"application:{Id}"].Select(row => new PreviousSecret(row.Id, row.Hash, row.ExpiresAt))],
        };
    }

    private sealed class ResourceRow
    {
        public string Id { get; set; } = "";
        public string Identifier { get; set; } = "";
        public string? UpstreamUrl { get; set; }
        public string? CredentialProviderId { get; set; }
        public string[] Scopes { get; set; } = [];
        public string Operations { get; set; } = "[]";
        public string OperationEnforcement { get; set; } = "";

        public ExchangeResource ToResource() => new()
        {
            Id = Id,
            Identifier = Identifier,
            UpstreamUrl = UpstreamUrl,
            ProviderId = CredentialProviderId,
            Scopes = [.. Scopes],
            Operations = ReadOperations(Operations),
            OperationsEnforced = OperationEnforcement != "transport_uniform",
        };
    }

    private sealed class StoredProvider
    {
        public string Id { get; set; } = "";
        public string ProviderKind { get; set; } = "";
        public string ConfigJson { get; set; } = "";
    }

    private sealed class StoredIssuer
    {
        public string Id { get; set; } = "";
        public string Issuer { get; set; } = "";
        public string JwksUrl { get; set; } = "";
        public string Audience { get; set; } = "";
    }

    private sealed class PolicySetRow
    {
        public string PolicySetId { get; set; } = "";
        public string VersionId { get; set; } = "";
        public string ManifestJson { get; set; } = "";
        public string ManifestSha256 { get; set; } = "";
    }

    private static ImmutableArray<ResourceOperation> ReadOperations(string json)
    {
        using var document = JsonDocument.Parse(json);
        var operations = ImmutableArray.CreateBuilder<ResourceOperation>();
        foreach (var entry in document.RootElement.EnumerateArray())
        {
            operations.Add(new ResourceOperation(
                entry.GetProperty("method"u8).GetString()!.ToUpperInvariant(),
                entry.GetProperty("path"u8).GetString()!.Trim(),
                entry.GetProperty("scope"u8).GetString()!));
        }

        return operations.ToImmutable();
    }
}
