using System.Diagnostics;
using System.Text;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Hardening;

/// <summary>The files git keeps of a folder, and whether one of them holds a live secret.</summary>
internal static class TrackedFiles
{
    private const long LargestFile = 4 * 1024 * 1024;
    private const int ShortestSecret = 16;

    /// <summary>Full paths of the tracked files of the work tree around a folder; null when there is none, or no git.</summary>
    public static async Task<IReadOnlyList<string>?> ListAsync(string folder, CancellationToken stop)
    {
        try
        {
            if (await GitAsync(folder, ["rev-parse", "--show-toplevel"], stop) is not { } root) return null;
            var top = root.TrimEnd('\n');
            var names = await GitAsync(top, ["ls-files", "-z"], stop);
            return names?.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(name => Path.Combine(top, name)).ToList();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    /// <summary>Names every file with a live value, and which variable's it is; never the value.</summary>
    public static Finding Search(IReadOnlyList<string> files, IReadOnlyList<(string Variable, SecretText Value)> live)
    {
        // A short value, a password such as "admin", would be found in every text; other checks speak about those.
        var needles = live.Select(secret => (secret.Variable, Bytes: Encoding.UTF8.GetBytes(secret.Value.Reveal())))
            .Where(secret => secret.Bytes.Length >= ShortestSecret).ToList();
        var verdict = new Verdict();
        foreach (var path in files)
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.LinkTarget is not null || file.Length > LargestFile) continue;
            var content = File.ReadAllBytes(path).AsSpan();
            foreach (var (variable, bytes) in needles)
            {
                if (content.IndexOf(bytes) >= 0) verdict.Fail($"{path} holds the live value of {variable}");
            }
        }

        verdict.Ok($"none of {files.Count} tracked files holds a live value");
        return verdict.Finding();
    }

    private static async Task<string?> GitAsync(string folder, string[] words, CancellationToken stop)
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["-C", folder, .. words])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = git.StandardError.ReadToEndAsync(stop);
        var output = await git.StandardOutput.ReadToEndAsync(stop);
        await errors;
        await git.WaitForExitAsync(stop);
        return git.ExitCode == 0 ? output : null;
    }
}
