using Caracal.Hosting;

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
            Check.Look(Mode))
        {
            Repairs = deployment => OperatorFile.RemoveWhere(deployment, "CARACAL_MODE", value => !CaracalModes.TryParse(value, out var mode) || mode == CaracalMode.Dev),
        },
    ];

    private static Finding Mode(Deployment deployment)
    {
        var verdict = new Verdict();
        var modes = deployment.Roles.Select(role => (Role: role, Mode: deployment.Mode(role))).ToList();
        foreach (var (role, mode) in modes)
        {
            if (mode is null) verdict.Fail($"{role}: CARACAL_MODE is not a mode");
            else if (mode == CaracalMode.Dev) verdict.Fail($"{role} runs in dev");
            else verdict.Ok($"{mode.Value.ToText()} everywhere");
        }

        if (modes.Select(mode => mode.Mode).Distinct().Count() > 1) verdict.Fail("the services do not agree on their mode");
        return verdict.Finding();
    }
}
