using Caracal.Cli.CommandLine;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;

namespace Caracal.Cli.KeyRotation;

/// <summary>
/// <c>--emit</c>: carries the slot files of a class, as they are after a step, into another store. What is printed reads the files
/// when it is run, so no value is printed and none stands in a process's arguments.
/// </summary>
internal static class SlotPatch
{
    /// <param name="format"><c>kubernetes</c>, <c>env</c> or <c>vault</c>.</param>
    /// <param name="folder">The secrets folder.</param>
    /// <param name="rotated">The class.</param>
    /// <param name="store">The Secret's name, or Vault's path.</param>
    public static string Of(string format, string folder, RotatableClass rotated, string? store) => format switch
    {
        "kubernetes" => Kubernetes(folder, Names(rotated), store ?? "caracal-runtime"),
        "vault" => Vault(folder, Names(rotated), store ?? "secret/caracal"),
        "env" => string.Join('\n', Slots(rotated).Select(slot => Variable(folder, slot.Variable, slot.File))),
        _ => throw new CommandFailure("--emit is kubernetes, env or vault"),
    };

    private static string Kubernetes(string folder, IReadOnlyList<string> names, string secret)
    {
        var there = names.Where(name => File.Exists(Path.Combine(folder, name))).ToList();
        var members = names.Select(name => $"\"{name}\":{(there.Contains(name) ? "\"%s\"" : "null")}");
        var values = there.Select(name => $" \"$(base64 -w0 < {Quoted(Path.Combine(folder, name))})\"");
        return $"printf '{{\"data\":{{{string.Join(',', members)}}}}}'{string.Concat(values)} | kubectl patch secret {Quoted(secret)} --type merge --patch-file /dev/stdin";
    }

    private static string Vault(string folder, IReadOnlyList<string> names, string path) =>
        $"vault kv patch {Quoted(path)}{string.Concat(names.Select(name => File.Exists(Path.Combine(folder, name)) ? $" {Quoted($"{name}=@{Path.Combine(folder, name)}")}" : $" {Quoted(name + "=")}"))}";

    private static string Variable(string folder, string variable, string file) =>
        File.Exists(Path.Combine(folder, file)) ? $"{variable}_FILE={Quoted(Path.Combine(folder, file))}" : $"unset {variable}_FILE";

    private static IReadOnlyList<string> Names(RotatableClass rotated) =>
        rotated.File is null ? [.. Slots(rotated).Select(slot => slot.File)] : [rotated.FileName, rotated.FileName + ".id"];

    private static IEnumerable<(string Variable, string File)> Slots(RotatableClass rotated)
    {
        // A way into a store has one slot that services read, each under its role's name.
        if (rotated.File is not null)
        {
            yield return ($"{rotated.Readers[0].ToUpperInvariant()}__{rotated.Variable}", rotated.FileName);
            yield break;
        }

        yield return (rotated.Variable, rotated.FileName);
        yield return (rotated.Variable + "_NEXT", rotated.FileName + ".next");
        yield return (rotated.Variable + "_PREVIOUS", rotated.FileName + ".previous");
        if (rotated.Id == KeyClass.AuditHmac) yield return (rotated.Variable + "_ARCHIVE", rotated.FileName + ".archive");
    }

    private static string Quoted(string text) => $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
