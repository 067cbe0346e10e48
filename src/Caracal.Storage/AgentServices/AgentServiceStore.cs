using System.Data.Common;
using Caracal.Authority.AgentServices;
using Caracal.Storage.Sessions;
using Dapper;

namespace Caracal.Storage.AgentServices;

/// <summary>Table <c>agent_services</c>, owned by the Coordinator (coordinator.md 4).</summary>
public sealed class AgentServiceStore
{
    private const string Columns =
        """
        id, zone_id, application_id, endpoint_url, protocol_versions, framework_name, framework_version, capabilities, health,
        metadata_json, last_heartbeat_at
        """;

    public Task<AgentService?> FindAsync(DbConnection connection, string zoneId, string id) =>
        connection.QuerySingleOrDefaultAsync<AgentService?>(
            $"SELECT {Columns} FROM agent_services WHERE zone_id = @zoneId AND id = @id", new { zoneId, id });

    /// <summary>Registers the endpoint; one that is known keeps its id and its health.</summary>
    public Task<AgentService> RegisterAsync(Work work, AgentService service, DateTimeOffset now) =>
        work.Connection.QuerySingleAsync<AgentService>(
            $"""
             INSERT INTO agent_services ({Columns}, created_at, updated_at)
             VALUES (@Id, @ZoneId, @ApplicationId, @EndpointUrl, @ProtocolVersions, @FrameworkName, @FrameworkVersion, @Capabilities,
                 @Health, @Metadata, NULL, @now, @now)
             ON CONFLICT (zone_id, application_id, endpoint_url) DO UPDATE SET
                 protocol_versions = excluded.protocol_versions, framework_name = excluded.framework_name,
                 framework_version = excluded.framework_version, capabilities = excluded.capabilities,
                 metadata_json = excluded.metadata_json, updated_at = excluded.updated_at
             RETURNING {Columns}
             """,
            new
            {
                service.Id,
                service.ZoneId,
                service.ApplicationId,
                service.EndpointUrl,
                service.ProtocolVersions,
                service.FrameworkName,
                service.FrameworkVersion,
                service.Capabilities,
                service.Health,
                Metadata = new JsonText(service.MetadataJson),
                now,
            });

    /// <summary>What a heartbeat tells of the service.</summary>
    public Task BeatAsync(Work work, string id, string health, string metadataJson, DateTimeOffset now) =>
        work.Connection.ExecuteAsync(
            """
            UPDATE agent_services SET health = @health, metadata_json = @metadata, last_heartbeat_at = @now, updated_at = @now
            WHERE id = @id
            """,
            new { id, health, metadata = new JsonText(metadataJson), now });

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<AgentService>> ListAsync(DbConnection connection, string zoneId, PageRequest page) =>
        (await connection.QueryAsync<AgentService>(
            $"""
             SELECT {Columns} FROM agent_services WHERE zone_id = @zoneId{(page.Cursor is null ? "" : " AND id < @Cursor")}
             ORDER BY id DESC LIMIT @Limit
             """,
            new { zoneId, page.Cursor, page.Limit })).AsList();
}
