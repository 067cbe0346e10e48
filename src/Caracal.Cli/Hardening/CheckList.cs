using Caracal.Cli.CommandLine;
using Caracal.Cli.Hardening.Checks;

namespace Caracal.Cli.Hardening;

/// <summary>Every hardening check there is, in the order of the specification (operations.md 5.2).</summary>
internal static class CheckList
{
    public static IReadOnlyList<Check> All { get; } =
    [
        .. ModeChecks.All,
        .. TlsChecks.All,
        .. KeyChecks.All,
        .. SecretChecks.All,
        .. RedisChecks.All,
        .. NetworkChecks.All,
        .. PostgresChecks.All,
        .. AuthorityChecks.All,
        .. WorkloadChecks.All,
        .. ProbeChecks.All,
        .. MonitoringChecks.All,
        .. RecoveryChecks.All,
    ];

    /// <summary>The checks that a command line asks for; an id that does not exist is refused, so that a typing error hides nothing.</summary>
    public static IReadOnlyList<Check> Select(string? only, string? skip)
    {
        var wanted = Ids(only);
        var unwanted = Ids(skip);
        return [.. All.Where(check => (only is null || wanted.Contains(check.Id)) && !unwanted.Contains(check.Id))];
    }

    private static HashSet<string> Ids(string? text)
    {
        var ids = (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var id in ids)
        {
            if (!All.Any(check => string.Equals(check.Id, id, StringComparison.OrdinalIgnoreCase))) throw new CommandFailure($"there is no check '{id}'");
        }

        return ids;
    }
}
