using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Caracal.Rego.Builtins.Patterns;

/// <summary>Compiled patterns by their text. A pure memo: what it holds never changes an outcome.</summary>
internal static class PatternCache
{
    private const int Kept = 512;

    private static readonly ConcurrentDictionary<string, Regex> s_compiled = new(StringComparer.Ordinal);
    private static readonly TimeSpan s_timeout = TimeSpan.FromMilliseconds(250);

    /// <exception cref="PatternException">The pattern is not accepted.</exception>
    public static Regex Re2(string pattern) => Get(pattern, pattern, static p => Re2Translator.Translate(p));

    public static Regex Get<T>(string key, T source, Func<T, string> translate)
    {
        if (s_compiled.TryGetValue(key, out var known)) return known;
        try
        {
            // The automaton engine answers in time linear in the subject; it knows no catastrophic patterns.
            var compiled = new Regex(translate(source), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, s_timeout);
            if (s_compiled.Count >= Kept) s_compiled.Clear();
            s_compiled[key] = compiled;
            return compiled;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new PatternException(e.Message);
        }
    }
}
