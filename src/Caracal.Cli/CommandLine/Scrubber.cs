using System.Text.RegularExpressions;

namespace Caracal.Cli.CommandLine;

/// <summary>Takes secrets out of every text on its way to a terminal (cli.md 1.2).</summary>
internal static partial class Scrubber
{
    public static string Scrub(string text) => UrlPassword().Replace(Secrets().Replace(text, "***"), "$1***@");

    [GeneratedRegex(
        @"Bearer [^\s]+|eyJ[A-Za-z0-9._-]+|caracal_at_[A-Za-z0-9._-]+|caracal_rt_[A-Za-z0-9._-]+"
        + @"|cat_[A-Za-z0-9_-]{20,}|ws_[A-Za-z0-9_-]{16,}|cs_[A-Za-z0-9_-]{20,}|\b[0-9A-Fa-f]{64}\b")]
    private static partial Regex Secrets();

    [GeneratedRegex(@"([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+@")]
    private static partial Regex UrlPassword();
}
