using Caracal.Keys.Sealing;

namespace Caracal.Storage.Reencryption;

/// <summary>One kind of sealed value in the store (operations.md 4.6.1, storage.md 6).</summary>
/// <param name="Name">As reports and progress call it.</param>
/// <param name="Table">Where it is.</param>
/// <param name="Key">The column that orders its rows.</param>
/// <param name="Column">The envelope.</param>
/// <param name="Version">What tells that the value was changed, where something does; sealing it anew is no change.</param>
/// <param name="LocationOf">The location an envelope of a row is bound to.</param>
public sealed record EnvelopeFamily(string Name, string Table, string Key, string Column, string Version, Func<string, string> LocationOf)
{
    /// <summary>Every sealed value there is, connections with two columns as two.</summary>
    public static IReadOnlyList<EnvelopeFamily> All { get; } =
    [
        new("secret_store", "secret_store", "ref", "envelope", "version", key => key),
        new("secrets", "secrets", "id", "envelope", "version", _ => SealedLocations.ZoneSigningKey),
        new("provider_connections.access", "provider_connections", "id", "access_token_ct", "refresh_token_version", _ => SealedLocations.ConnectionAccessToken),
        new("provider_connections.refresh", "provider_connections", "id", "refresh_token_ct", "refresh_token_version", _ => SealedLocations.ConnectionRefreshToken),
        new("notification_sinks", "notification_sinks", "id", "secret_ct", "0", _ => SealedLocations.NotificationSinkSecret),
    ];

    /// <summary>What has to be done with a value that somebody else could open.</summary>
    public string AfterExposure => Name switch
    {
        "secrets" => "caracal keys taint",
        "secret_store" => "change it at its provider, then here",
        "notification_sinks" => "change it at the receiver, then here",
        _ => "revoke at the provider, connect again",
    };

    // The canary of the system zone is no credential, and a key that verifies nothing any more needs no successor.
    internal string ExposedCondition => Table == "secrets" ? $"{Condition} AND state NOT IN ('retired', 'compromised')" : $"{Condition} AND zone_id <> 'caracal.sys'";

    // Other secrets of that table would be sealed elsewhere; there are none, and none is to be guessed at.
    internal string Condition => Table == "secrets" ? "name = 'zone_signing_key'" : $"{Column} IS NOT NULL";
}
