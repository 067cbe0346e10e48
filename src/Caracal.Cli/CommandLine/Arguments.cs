namespace Caracal.Cli.CommandLine;

/// <summary>The words after the command name, split as cli.md 1.1 says.</summary>
/// <remarks><c>--name value</c>, <c>--name=value</c> or bare <c>--name</c>; a bare flag takes the next word unless that is a flag.</remarks>
internal sealed class Arguments
{
    private readonly Dictionary<string, List<string>> flags = new(StringComparer.Ordinal);

    private Arguments(IReadOnlyList<string> words, IReadOnlyList<string> operands)
    {
        Words = words;
        Operands = operands;
    }

    /// <summary>Everything as typed.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>The words that are neither flags nor their values.</summary>
    public IReadOnlyList<string> Operands { get; }

    /// <param name="words">What was typed.</param>
    /// <param name="switches">Flags that never take the next word, so that <c>--json file</c> means what it says.</param>
    public static Arguments Parse(IReadOnlyList<string> words, params ReadOnlySpan<string> switches)
    {
        var operands = new List<string>();
        var parsed = new Arguments(words, operands);
        for (var i = 0; i < words.Count; i++)
        {
            if (!words[i].StartsWith("--", StringComparison.Ordinal) || words[i].Length == 2)
            {
                operands.Add(words[i]);
                continue;
            }

            var name = words[i][2..];
            if (name.IndexOf('=', StringComparison.Ordinal) is var at and > 0)
            {
                parsed.Add(name[..at], name[(at + 1)..]);
            }
            else if (!switches.Contains(name) && i + 1 < words.Count && !words[i + 1].StartsWith("--", StringComparison.Ordinal))
            {
                parsed.Add(name, words[++i]);
            }
            else
            {
                parsed.Add(name, "true");
            }
        }

        return parsed;
    }

    /// <summary>True for bare presence or the literal <c>true</c>.</summary>
    public bool IsOn(string flag) => Value(flag) == "true";

    /// <summary>What a flag was given; the last time when it was given several times.</summary>
    public string? Value(string flag) => flags.GetValueOrDefault(flag)?[^1];

    /// <summary>Everything a flag was given, in order.</summary>
    public IReadOnlyList<string> Values(string flag) => flags.GetValueOrDefault(flag) ?? [];

    public int Integer(string flag, int fallback, int minimum, int maximum)
    {
        if (Value(flag) is not { } text) return fallback;
        return int.TryParse(text, out var number) && number >= minimum && number <= maximum
            ? number
            : throw new CommandFailure($"--{flag} must be an integer from {minimum} to {maximum}");
    }

    /// <summary>Refuses flags a command does not know: a typing error must not pass silently.</summary>
    public void RequireKnown(params ReadOnlySpan<string> known)
    {
        foreach (var name in flags.Keys)
        {
            if (!known.Contains(name)) throw new CommandFailure($"unknown flag --{name}");
        }
    }

    private void Add(string name, string value)
    {
        if (!flags.TryGetValue(name, out var values)) flags[name] = values = [];
        values.Add(value);
    }
}
