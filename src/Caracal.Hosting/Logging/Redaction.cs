using System.Text.RegularExpressions;

namespace Caracal.Hosting.Logging;

/// <summary>Takes out of a text what looks like a credential (operations.md 6.4, cli.md 1.2). The one place it happens.</summary>
public static partial class Redaction
{
    private const string Mask = "***";
    private static readonly string[] Harmless = ["id", "ids", "count"];

    /// <summary>The text with bearer values, JWTs, our tokens, cloud keys, PEM keys, URL passwords and secret query values masked.</summary>
    public static string Scrub(string text)
    {
        if (text.Length < 8)
        {
            return text;
        }

        text = Pem().Replace(text, Mask);
        text = Shapes().Replace(text, Mask);
        text = UrlPassword().Replace(text, "${scheme}${user}:***@");
        return SecretQuery().Replace(text, "${name}=***");
    }

    /// <summary>True for a field whose name says that its value is secret.</summary>
    /// <remarks>A key's id names it without being it (audit.md 6 logs <c>hmac_key_id</c>).</remarks>
    public static bool IsSecretName(string name) =>
        SecretName().IsMatch(name) && !name.EndsWith("key_id", StringComparison.OrdinalIgnoreCase) && !name.EndsWith("KeyId", StringComparison.Ordinal);

    /// <summary>True for a field of a log line whose value must not be seen: besides secrets, whatever describes a session; its id only names it.</summary>
    public static bool IsSecretField(string name) =>
        IsSecretName(name)
        || (name.Contains("session", StringComparison.OrdinalIgnoreCase)
            && !Array.Exists(Harmless, ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)));

    [GeneratedRegex("-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
        RegexOptions.Singleline | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Pem();

    [GeneratedRegex(
        @"Bearer [^\s""]+|eyJ[A-Za-z0-9._-]+|caracal_[ar]t_[A-Za-z0-9._-]+|cat_[A-Za-z0-9_-]{20,}|[cw]s_[A-Za-z0-9_-]{16,}|nsk_[0-9a-f]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{20,}|\b[0-9a-fA-F]{64}\b",
        RegexOptions.CultureInvariant)]
    private static partial Regex Shapes();

    [GeneratedRegex("(?<scheme>[a-z][a-z0-9+.-]*://)(?<user>[^:/@\\s]*):[^@/\\s]+@", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex UrlPassword();

    [GeneratedRegex("(?<name>[?&][A-Za-z0-9_.-]*(token|secret|key|password|signature|assertion|code)[A-Za-z0-9_.-]*)=[^&\\s\"]+",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex SecretQuery();

    [GeneratedRegex("password|secret|token|api_key|private_key|assertion|authorization|cookie|hmac|signature",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex SecretName();
}
