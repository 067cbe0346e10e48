namespace Caracal.Keys.Sealing;

/// <summary>Logical locations bound into envelopes: a value moved elsewhere does not open (storage.md 6).</summary>
public static class SealedLocations
{
    public const string ZoneSigningKey = "caracal/secrets/zoneSigningKey";
    public const string ConnectionAccessToken = "caracal/providerConnections/accessToken";
    public const string ConnectionRefreshToken = "caracal/providerConnections/refreshToken";
    public const string NotificationSinkSecret = "caracal/notificationSinks/secret";
    public const string OperatorPlanSecrets = "caracal/operatorPlanSecrets/values";

    /// <summary>Canary row that proves at start that the KEK is the right one (operations.md 4.4).</summary>
    public const string KekCanary = "zones/caracal.sys/canary/kek";

    public static string ProviderSecret(string zoneId, string providerId) => $"zones/{zoneId}/providers/{providerId}/secretConfig";

    /// <summary>A provider's second credential, before it is in use.</summary>
    public static string StagedProviderSecret(string zoneId, string providerId) => ProviderSecret(zoneId, providerId) + "/staged";

    /// <summary>A provider's credential before the one in use, while it may be needed again.</summary>
    public static string PreviousProviderSecret(string zoneId, string providerId) => ProviderSecret(zoneId, providerId) + "/previous";

    public static string ApplicationSecret(string zoneId, string applicationId) => $"zones/{zoneId}/applications/{applicationId}/clientSecret";

    public static string WorkloadSecret(string zoneId, string workloadId) => $"zones/{zoneId}/workloads/{workloadId}/secret";
}
