using System.Collections.Immutable;
using System.Text.Json;

namespace Caracal.Authority.Workloads;

/// <summary>Which credential a workload receives under which variable (api.md 6); the only source of its authority.</summary>
public sealed record WorkloadBinding(string Env, string Resource, ImmutableArray<string> Scopes, bool Optional, string? OnFailure)
{
    /// <summary>The stored list; null when it is not one of ours, and then nothing is given.</summary>
    public static ImmutableArray<WorkloadBinding>? TryReadAll(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return [.. document.RootElement.EnumerateArray().Select(Read)];
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    private static WorkloadBinding Read(JsonElement member) => new(
        member.GetProperty("env"u8).GetString()!,
        member.GetProperty("resource"u8).GetString()!,
        member.TryGetProperty("scopes"u8, out var scopes) ? [.. scopes.EnumerateArray().Select(scope => scope.GetString()!)] : [],
        member.TryGetProperty("optional"u8, out var optional) && optional.GetBoolean(),
        member.TryGetProperty("on_failure"u8, out var failure) ? failure.GetString() : null);
}
