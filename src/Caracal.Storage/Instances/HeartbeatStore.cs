using Dapper;

namespace Caracal.Storage.Instances;

/// <summary>What an instance says of itself (operations.md 4.2).</summary>
public sealed record Heartbeat
{
    public required string Service { get; init; }

    /// <summary><c>&lt;hostname&gt;-&lt;pid&gt;</c>.</summary>
    public required string Instance { get; init; }
    public required string Version { get; init; }
    public required string Mode { get; init; }

    /// <summary>Where it listens; null until it does.</summary>
    public required string? Address { get; init; }
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>Class → slots by secret id, as JSON.</summary>
    public required string KeySlots { get; init; }
}

/// <summary>Writes the rows of <c>service_instances</c>: a service speaks for itself only.</summary>
public static class HeartbeatStore
{
    /// <summary>
    /// The instance lives. What a process of the same name said before it restarted is kept aside when it had met a value that
    /// is about to go: whoever waits for that to end must not be told by a restart that it has.
    /// </summary>
    public static Task BeatAsync(Work work, Heartbeat beat, DateTimeOffset now) => work.Connection.ExecuteAsync(
        work.Dialect is PostgresDialect
            ? "SELECT ops_heartbeat(@Service, @Instance, @Version, @Mode, @Address, @StartedAt, @now, @KeySlots)"
            : """
              INSERT INTO service_instances (service, instance, version, mode, address, started_at, last_seen, stopped_at, key_slots)
              SELECT service, instance || '~' || last_seen, version, mode, NULL, started_at, last_seen, coalesce(stopped_at, last_seen), key_slots
              FROM service_instances
              WHERE service = @Service AND instance = @Instance AND started_at <> @StartedAt
                  AND (key_slots GLOB '*"previous_used_seconds":[0-9]*' OR key_slots GLOB '*"unmatched_seconds":[0-9]*')
              ON CONFLICT DO NOTHING;
              INSERT INTO service_instances (service, instance, version, mode, address, started_at, last_seen, stopped_at, key_slots)
              VALUES (@Service, @Instance, @Version, @Mode, @Address, @StartedAt, @now, NULL, @KeySlots)
              ON CONFLICT (service, instance) DO UPDATE SET version = excluded.version, mode = excluded.mode, address = excluded.address,
                  started_at = excluded.started_at, last_seen = excluded.last_seen, stopped_at = NULL, key_slots = excluded.key_slots
              """,
        new { beat.Service, beat.Instance, beat.Version, beat.Mode, beat.Address, beat.StartedAt, now, beat.KeySlots });

    /// <summary>The instance has stopped and is waited for no more.</summary>
    public static Task EndAsync(Work work, string service, string instance, DateTimeOffset now) => work.Connection.ExecuteAsync(
        work.Dialect is PostgresDialect
            ? "SELECT ops_heartbeat(@service, @instance, '', '', NULL, @now, @now, NULL)"
            : "UPDATE service_instances SET stopped_at = @now WHERE service = @service AND instance = @instance",
        new { service, instance, now });
}
