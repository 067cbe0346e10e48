using Microsoft.AspNetCore.Builder;

namespace Caracal.Samples;

/// <summary>Sets the stage for <c>caracal run --credential-free</c> around <c>report.py</c>: an upstream, a zone, a profile; then waits for its input to end.</summary>
internal static class ScriptProfile
{
    public static async Task RunAsync(SampleStack stack)
    {
        await using var upstream = SampleStack.NewServer().Build();
        upstream.MapGet("/today", () => "3 reports");
        var (_, options) = await stack.PrepareAsync("script", await SampleStack.StartAsync(upstream), ["reports:read"]);
        var folder = Directory.CreateTempSubdirectory("caracal-sample-").FullName;
        var secret = Write(folder, "client-secret", options.ClientSecret!);
        Console.WriteLine(Write(folder, "caracal.toml", $"""
            zone_id = "{options.ZoneId}"
            application_id = "{options.ApplicationId}"
            app_client_secret_file = "{secret}"
            sts_url = "{options.StsUrl}"
            coordinator_url = "{options.CoordinatorUrl}"
            gateway_url = "{options.GatewayUrl}"
            [[credentials]]
            resource = "resource://reports"
            upstream_prefix = "https://reports.example"
            scopes = ["reports:read"]
            """));
        await Console.In.ReadToEndAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static string Write(string folder, string name, string text)
    {
        var path = Path.Combine(folder, name);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: false), options);
        writer.Write(text);
        return path;
    }
}
