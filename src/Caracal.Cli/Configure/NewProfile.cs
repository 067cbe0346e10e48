using System.Text;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;

namespace Caracal.Cli.Configure;

/// <summary>What <c>config init</c> writes.</summary>
internal sealed record NewProfile(string Zone, string Application, IReadOnlyList<(string Id, string? Prefix)> Resources)
{
    /// <summary><c>resource://x</c> or <c>resource://x=https://prefix</c>.</summary>
    public static (string Id, string? Prefix) Binding(string text)
    {
        var equals = text.IndexOf("=http", StringComparison.Ordinal);
        var (id, prefix) = equals < 0 ? (text, null) : (text[..equals], text[(equals + 1)..]);
        if (id.Length == 0 || (prefix is not null && !Uri.TryCreate(prefix, UriKind.Absolute, out _))) throw new CommandFailure($"--resource {text}: write R or R=PREFIX with an absolute URL");
        return (id, prefix);
    }

    /// <summary>Where an application's secret lies unless told otherwise.</summary>
    public static string SecretPath(string configuration, NewProfile profile) =>
        Path.Combine(configuration, "runtime", CaracalPaths.Segment(profile.Zone), CaracalPaths.Segment(profile.Application), "client-secret");

    public string Text(string? inlineSecret, string secretFile)
    {
        var text = new StringBuilder();
        text.Append($"zone_id = {Quote(Zone)}\napplication_id = {Quote(Application)}\n");
        text.Append(inlineSecret is not null ? $"app_client_secret = {Quote(inlineSecret)}\n" : $"app_client_secret_file = {Quote(secretFile)}\n");
        foreach (var (id, prefix) in Resources)
        {
            text.Append($"\n[[credentials]]\nresource = {Quote(id)}\n");
            if (prefix is not null) text.Append($"upstream_prefix = {Quote(prefix)}\n");
        }

        return text.ToString();
    }

    private static string Quote(string text) => text.Any(char.IsControl)
        ? throw new CommandFailure("a value holds a control character")
        : $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
