using System.Text.Json;
using Caracal.Hosting;
using Caracal.Hosting.Settings;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Which rules the services run under.</summary>
internal static class ModeChecks
{
    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-MODE-1", "mode of every service", "CARACAL_MODE", "rc or stable, the same everywhere",
            "dev leaves escape hatches and unsigned streams on",
            "Unset CARACAL_MODE, or set it to stable, for every service.",
            ModeAsync)
        {
            Repairs = deployment => OperatorFile.RemoveWhere(deployment, "CARACAL_MODE", value => !CaracalModes.TryParse(value, out var mode) || mode == CaracalMode.Dev),
        },
    ];

    private static async Task<Finding> ModeAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        var modes = deployment.Roles.Select(role => (Role: role, Mode: deployment.Mode(role))).ToList();

        // Whoever runs knows it better than the variables that the next one would start with.
        modes.AddRange((await Task.WhenAll(LiveServices.Names.Select(service => LiveAsync(deployment, service, stop)))).OfType<(string, CaracalMode?)>());
        foreach (var (role, mode) in modes)
        {
            if (mode is null) verdict.Fail($"{role}: CARACAL_MODE is not a mode");
            else if (mode == CaracalMode.Dev) verdict.Fail($"{role} runs in dev");
            else verdict.Ok($"{mode.Value.ToText()} everywhere");
        }

        if (modes.Select(mode => mode.Mode).Distinct().Count() > 1) verdict.Fail("the services do not agree on their mode");
        return verdict.Finding();
    }

    private static async Task<(string Role, CaracalMode? Mode)?> LiveAsync(Deployment deployment, string service, CancellationToken stop)
    {
        var reply = await deployment.Services.AskAsync(service, PostureReport.Path, stop, deployment.Services.Token(SecretFiles.MetricsBearer));
        if (reply.Status != 200) return null; // not there, or of another deployment: H-MON-1 tells
        try
        {
            using var posture = JsonDocument.Parse(reply.Body);
            return posture.RootElement.TryGetProperty("mode", out var text) && CaracalModes.TryParse(text.GetString(), out var mode)
                ? ($"the running {service}", mode)
                : ($"the running {service}", null);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
