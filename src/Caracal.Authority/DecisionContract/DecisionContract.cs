using System.Security.Cryptography;
using System.Text;

namespace Caracal.Authority.DecisionContract;

/// <summary>The shipped decision contract (sts.md 10.4): the module that decides for zones whose policies are data documents.</summary>
public static class DecisionContractModule
{
    public const string Version = "2026-07-12";

    /// <summary>The rule every policy bundle is asked for.</summary>
    public const string ResultQuery = "data.caracal.authz.result";

    private static readonly byte[] Artefact = Load();

    /// <summary>The Rego text.</summary>
    public static string Source { get; } = Encoding.UTF8.GetString(Artefact);

    /// <summary>Lower-case hex SHA-256 of the artefact's bytes.</summary>
    public static string Sha256 { get; } = Convert.ToHexStringLower(SHA256.HashData(Artefact));

    /// <summary>The name errors and explanations give the text; another text has another name, so that their lines stay true.</summary>
    public static string FileName { get; } = $"decision_contract-{Sha256[..8]}.rego";

    private static byte[] Load()
    {
        using var stream = typeof(DecisionContractModule).Assembly.GetManifestResourceStream("decision_contract.rego")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
