using System.Diagnostics;
using Caracal.Sdk.Tests.Stacks;

namespace Caracal.Sdk.Tests;

/// <summary>Each sample runs as a reader runs it, against a real stack, and prints what its expected output says.</summary>
public sealed class SampleTests(EmbeddedStack stack) : IClassFixture<EmbeddedStack>
{
    private static readonly string Root = FindRoot();

    [Theory]
    [InlineData("protected-api")]
    [InlineData("multi-agent")]
    [InlineData("mcp")]
    [InlineData("approval")]
    [InlineData("worker")]
    [InlineData("script")]
    public async Task A_sample_prints_what_is_expected(string name)
    {
        var start = new ProcessStartInfo(Path.Combine(Root, "samples", "run"), [name]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var variable in start.Environment.Keys.Where(variable => variable.StartsWith("CARACAL_", StringComparison.Ordinal)).ToList()) start.Environment.Remove(variable);
        start.Environment["CARACAL_API_URL"] = stack.ApiUrl;
        start.Environment["CARACAL_STS_URL"] = stack.Options.StsUrl.Replace("127.0.0.1", "localhost", StringComparison.Ordinal); // as mandates name their issuer
        start.Environment["CARACAL_COORDINATOR_URL"] = stack.Options.CoordinatorUrl;
        start.Environment["CARACAL_GATEWAY_URL"] = stack.Options.GatewayUrl;
        start.Environment["CARACAL_ADMIN_TOKEN"] = stack.AdminToken;
        start.Environment["CARACAL_SAMPLES_BUILT"] = "1"; // this project's build made it
        start.Environment["CARACAL"] = Path.Combine(Root, "src", "Caracal.Cli", "bin", Configuration, "net10.0", "caracal");
        using var sample = Process.Start(start)!;
        var output = sample.StandardOutput.ReadToEndAsync();
        var error = sample.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await sample.WaitForExitAsync(limit.Token);
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(Root, "samples", "expected", name + ".txt")) + (sample.ExitCode == 0 ? "" : $"exit 0, not {sample.ExitCode}: {await error}"), await output);
    }

    private static string Configuration => AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Caracal.slnx"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
