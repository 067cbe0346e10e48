using System.Text.Json;
using Caracal.Authority.Providers;

namespace Caracal.Authority.Workloads;

/// <summary>Which providers may put their credential into a process (sts.md 9.5).</summary>
public static class InjectionRules
{
    /// <summary>Why not; null when it may.</summary>
    public static string? Problem(string kind, string configJson)
    {
        if (kind is ProviderKinds.HttpBasic or ProviderKinds.AuthorizationCode)
        {
            return $"credentials of kind {kind} are not injected";
        }

        return Allows(configJson) ? null : "the provider does not allow runtime injection";
    }

    /// <summary>True for kinds that have no credential of their own: the workload gets a mandate for the resource itself.</summary>
    public static bool TakesMandate(string kind) => kind is ProviderKinds.None or ProviderKinds.CaracalMandate;

    private static bool Allows(string configJson)
    {
        try
        {
            using var config = JsonDocument.Parse(configJson);
            return config.RootElement.ValueKind == JsonValueKind.Object
                && config.RootElement.TryGetProperty("allow_runtime_injection"u8, out var allow)
                && allow.ValueKind == JsonValueKind.True;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
