using System.Text.Json;
using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Hardening;

/// <summary>A setting, and who has it: a role by these variables, or the one that runs.</summary>
internal sealed record SeenSetting(string Who, string Value)
{
    /// <summary>True for the words that services take as true.</summary>
    public bool IsOn => Value.Trim().ToLowerInvariant() is "1" or "t" or "true" or "yes" or "on";
}

/// <summary>
/// What running services started with (<c>GET /internal/posture</c>), beside what these variables would give the next start:
/// whoever runs knows better what is in force. A service that does not tell adds nothing; H-MON-1 complains of it.
/// </summary>
internal sealed class EffectiveSettings(Deployment deployment)
{
    private Task<IReadOnlyDictionary<string, JsonElement>>? _running;

    /// <summary>A setting of some roles wherever it is set.</summary>
    public async Task<IReadOnlyList<SeenSetting>> FindAsync(string name, IReadOnlyList<string> roles, CancellationToken stop)
    {
        var seen = roles.Select(role => (Role: role, Value: deployment.Setting(role, name))).Where(setting => setting.Value is not null)
            .Select(setting => new SeenSetting(setting.Role, setting.Value!)).ToList();
        var running = await RunningAsync(stop);
        seen.AddRange(roles.Where(running.ContainsKey).Select(role => (Role: role, Value: Text(running[role], name))).Where(setting => setting.Value is not null)
            .Select(setting => new SeenSetting($"the running {setting.Role}", setting.Value!)));
        return seen;
    }

    /// <summary>What is in force at one role: what the running one started with, where it tells; else what it would start with.</summary>
    public async Task<string?> InForceAsync(string role, string name, CancellationToken stop) =>
        (await RunningAsync(stop)).TryGetValue(role, out var running) ? Text(running, name) : deployment.Setting(role, name);

    /// <summary>True when the running service of this role told its settings.</summary>
    public async Task<bool> TellsAsync(string role, CancellationToken stop) => (await RunningAsync(stop)).ContainsKey(role);

    private Task<IReadOnlyDictionary<string, JsonElement>> RunningAsync(CancellationToken stop) => _running ??= ReadAsync(stop);

    private async Task<IReadOnlyDictionary<string, JsonElement>> ReadAsync(CancellationToken stop)
    {
        var bearer = deployment.Services.Token(SecretFiles.MetricsBearer);
        var replies = await Task.WhenAll(LiveServices.Names.Select(service => deployment.Services.AskAsync(service, PostureReport.Path, stop, bearer)));
        var told = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (service, reply) in LiveServices.Names.Zip(replies))
        {
            if (reply.Status == 200 && Settings(reply.Body) is { } settings) told[service] = settings;
        }

        return told;
    }

    private static JsonElement? Settings(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.TryGetProperty("settings", out var settings) && settings.ValueKind == JsonValueKind.Object ? settings.Clone() : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null; // something else answers there
        }
    }

    private static string? Text(JsonElement settings, string name) =>
        settings.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
