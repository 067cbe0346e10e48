using System.Text;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.KeyRotation;

/// <summary>Looks for key values in files, in memory and without printing any (operations.md 4.7, V11).</summary>
internal static class LogScan
{
    private const int Chunk = 1 << 20;

    /// <summary>The first file under the folders that holds one of the values; null when none does.</summary>
    public static string? FirstLeak(IReadOnlyList<SecretText> values, string logs, IReadOnlyList<string> more)
    {
        return more.Prepend(logs).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            .FirstOrDefault(file => Holds(file, values));
    }

    /// <summary>Whether the file holds one of the values.</summary>
    public static bool Holds(string path, IReadOnlyList<SecretText> values)
    {
        var needles = values.Select(value => Encoding.UTF8.GetBytes(value.Reveal())).ToList();
        var longest = needles.Count == 0 ? 0 : needles.Max(needle => needle.Length);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var buffer = new byte[Chunk + longest];
        var kept = 0;
        int read;
        while ((read = stream.Read(buffer, kept, Chunk)) > 0)
        {
            var seen = buffer.AsSpan(0, kept + read);
            foreach (var needle in needles)
            {
                if (seen.IndexOf(needle) >= 0) return true;
            }

            // A value may lie across two chunks.
            kept = Math.Min(longest, seen.Length);
            seen[^kept..].CopyTo(buffer);
        }

        return false;
    }
}
