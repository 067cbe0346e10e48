using System.Text.RegularExpressions;
using Caracal.Cli.Tests.Deploy;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>Faults of rendered objects: those of <see cref="ObjectCheckTests"/>, in a deployment that is good otherwise.</summary>
internal static partial class ObjectFaults
{
    public static IReadOnlyDictionary<string, Pair> All { get; } = ObjectCheckTests.Faults.Where(fault => fault.Value.Bad != "ok")
        .ToDictionary(
            fault => fault.Key,
            fault => new Pair(fault.Value.Check, fault.Value.Bad, fault.Value.Says, on => on.Objects = on.Objects!.Replace(fault.Value.From, fault.Value.To, StringComparison.Ordinal))
            {
                Arrange = on => on.Objects = Packaged(fault.Value.OfCompose),
            },
            StringComparer.Ordinal)
        .Append(KeyValuePair.Create("image by tag", new Pair(
            "H-CTR-5", "warn", "not a digest", on => on.Objects = on.Objects!.Replace("@sha256:0123", ":v1.0.0", StringComparison.Ordinal))))
        .Append(KeyValuePair.Create("PostgreSQL published", new Pair(
            "H-NET-6", "fail", "postgres is published", on => on.Objects = on.Objects!.Replace("127.0.0.1:5432:5432", "5432:5432", StringComparison.Ordinal))
        {
            Arrange = on => on.Objects = Packaged(compose: true),
        }))
        .ToDictionary(StringComparer.Ordinal);

    // As they are packaged, with images by digest as a deployment names them.
    private static string Packaged(bool compose) => Tag().Replace(compose ? ObjectCheckTests.Compose : ObjectCheckTests.Chart, "$1@sha256:0123\"");

    [GeneratedRegex("(\"image\":\"[^\"@]*):[^\"/]*\"")]
    private static partial Regex Tag();
}
