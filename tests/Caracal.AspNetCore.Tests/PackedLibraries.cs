using System.Diagnostics;

namespace Caracal.AspNetCore.Tests;

/// <summary>Every package as <c>dotnet pack</c> makes it of what is built, and a program that gets them from a folder.</summary>
public sealed class PackedLibraries : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("caracal-packed").FullName;

    /// <summary>One of its own, so that no restore meets a package of another run.</summary>
    public string Version { get; } = $"1.0.0-t{Guid.NewGuid():N}"[..20];

    public string Packages => Path.Combine(_folder, "packages");

    public async ValueTask InitializeAsync()
    {
        var configuration = AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";
        await DotnetAsync(FindRoot(), "pack", "Caracal.slnx", "--no-build", "-c", configuration, $"-p:PackageVersion={Version}", "-o", Packages);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        var restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (var package in Directory.Exists(restored) ? Directory.EnumerateDirectories(restored, "caracal.*") : [])
        {
            if (Path.Combine(package, Version) is var ours && Directory.Exists(ours)) Directory.Delete(ours, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Publishes the consumer, outside this repository and its settings, and returns what it prints.</summary>
    /// <param name="how">Properties of the publish.</param>
    public async Task<string> RunConsumerAsync(params string[] how)
    {
        var consumer = Directory.CreateDirectory(Path.Combine(_folder, "consumer")).FullName;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Consumer")))
        {
            // Under its own ending it would be taken for a project of this repository.
            File.Copy(file, Path.Combine(consumer, Path.GetFileName(file).Replace(".project", ".csproj", StringComparison.Ordinal)));
        }

        await File.WriteAllTextAsync(Path.Combine(consumer, "nuget.config"), $"""<configuration><packageSources><add key="packed" value="{Packages}" /></packageSources></configuration>""");
        await DotnetAsync(consumer, ["publish", "-c", "Release", "--use-current-runtime", "-o", "out", $"-p:CaracalVersion={Version}", .. how]);
        return await RunAsync(new ProcessStartInfo(Path.Combine(consumer, "out", "Consumer")) { WorkingDirectory = consumer });
    }

    private static Task<string> DotnetAsync(string folder, params string[] words)
    {
        var start = new ProcessStartInfo("dotnet", [.. words, "--nologo", "-v", "quiet", "-nodeReuse:false"]) { WorkingDirectory = folder };
        start.Environment["UseSharedCompilation"] = "false"; // a compiler that stays would keep our pipes open
        return RunAsync(start);
    }

    private static async Task<string> RunAsync(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{start.FileName} {string.Join(' ', start.ArgumentList)}: {process.ExitCode}\n{await output}{await error}");
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Caracal.slnx"))) folder = folder.Parent!;
        return folder.FullName;
    }
}
