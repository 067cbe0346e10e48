using System.Text.Json;
using Caracal.TestKit;

namespace Caracal.Audit.Tests.Export;

/// <summary>The verifier of <c>tools/verify-ledger</c>, which shares no code with the server.</summary>
internal static class LedgerTool
{
    private static readonly string PublicKey = Vectors.CheckpointSigner.Key.ToString();

    private static string Source => Path.Combine(AppContext.BaseDirectory, "Export", "verify-ledger.mjs");

    /// <summary>What it says of an export.</summary>
    public static async Task<JsonElement> RunAsync(string folder, params string[] arguments)
    {
        var (packages, tool) = await InstallAsync();
        var (code, output) = await NodePackages.RunAsync("node", packages, [tool, folder, "--key", PublicKey, "--json", .. arguments]);
        Assert.True(code is 0 or 1, output);
        return JsonDocument.Parse(output).RootElement;
    }

    /// <summary>Its content hash of a row that is written in JavaScript.</summary>
    public static async Task<string> ContentHashAsync(string row)
    {
        var (packages, tool) = await InstallAsync();
        var (code, output) = await NodePackages.RunAsync(
            "node", packages, ["--input-type=module", "--eval", $"import {{ contentHash }} from {JsonSerializer.Serialize(tool)}; console.log(contentHash({row}))"]);
        Assert.True(code == 0, output);
        return output.Trim();
    }

    private static async Task<(string Packages, string Tool)> InstallAsync()
    {
        var packages = await NodePackages.InstallAsync(ExportedLedger.Reader);
        var tool = Path.Combine(packages, "verify-ledger.mjs");
        if (!File.Exists(tool) || await File.ReadAllTextAsync(tool) != await File.ReadAllTextAsync(Source)) File.Copy(Source, tool, overwrite: true);
        return (packages, tool);
    }

    /// <summary>Its findings, one word each.</summary>
    public static string Words(JsonElement report) =>
        Words(report.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("word").GetString()!));

    /// <summary>Findings as they are compared.</summary>
    public static string Words(IEnumerable<string> words) => string.Join(' ', words.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
}
