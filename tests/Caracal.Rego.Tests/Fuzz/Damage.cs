namespace Caracal.Rego.Tests.Fuzz;

/// <summary>Breaks module texts in the ways that find what a parser forgot: small edits, splices, repetition, truncation.</summary>
internal sealed class Damage(int seed)
{
    private const int MaxLength = 60_000;
    private const string Marks = "{}[]()|:=;,.\"`$\\\n\r\t_x1-#/*%&<>!e+\u00e4\ud83d\ufeff\0";

    private static readonly string[] s_words =
        ["not ", "some ", "every ", " in ", " with ", " as ", "default ", " else ", " if ", " contains ", "import ", "package ", "set()", "null", " := ", " == ", "[x | ", "{x | ", "{x: y | ",
            "$\"{", "}\"", "1e99999", "1e999999", "data", "input", "_", "\\u12", "import future.keywords\n", "import rego.v1\n", "0x1", "..", "[[", "]]", "{{", "}}", "not not "];

    private readonly Random _random = new(seed);

    public string Of(string text, string other)
    {
        for (var edits = _random.Next(1, 4); edits > 0; edits--) text = Edit(text, other);
        return text.Length > MaxLength ? text[..MaxLength] : text;
    }

    /// <summary>Puts a word of the text where another one stood; such texts often still compile.</summary>
    private string SwapWord(string text)
    {
        var words = text.Split(' ');
        words[_random.Next(words.Length)] = words[_random.Next(words.Length)];
        return string.Join(' ', words);
    }

    private string Edit(string text, string other)
    {
        if (text.Length < 2) return other;
        var at = _random.Next(text.Length);
        var end = Math.Min(text.Length, at + _random.Next(1, 40));
        switch (_random.Next(14))
        {
            case >= 10: return SwapWord(text);
            case 0: return text.Remove(at, 1);
            case 1: return text.Insert(at, Marks[_random.Next(Marks.Length)].ToString());
            case 2: return text[..at] + text[_random.Next(text.Length)] + text[(at + 1)..];
            case 3: return text.Insert(at, s_words[_random.Next(s_words.Length)]);
            case 4: return text.Remove(at, end - at);
            case 5: return text.Insert(_random.Next(text.Length), text[at..end]);
            case 6: return text[..at];
            case 7: return text[..at] + other[Math.Min(at, other.Length)..];
            case 8: return text.Insert(at, string.Concat(Enumerable.Repeat(text[at..end], _random.Next(2, 400))));
            default:
                var open = "([{"[_random.Next(3)];
                return text.Insert(at, new string(open, _random.Next(1, 300)));
        }
    }
}
