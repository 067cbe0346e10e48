using System.Globalization;
using System.Text;

namespace Caracal.Rego.Builtins.Patterns;

/// <summary>Escapes and character classes.</summary>
internal sealed partial class Re2Translator
{
    private void Escape()
    {
        if (_at + 1 >= pattern.Length) throw new PatternException("trailing backslash at end of expression");
        var c = pattern[_at + 1];
        switch (c)
        {
            case 'A' or 'z':
                _out.Append('\\').Append(c);
                _at += 2;
                return;
            case 'b' or 'B':
                _out.Append('\\').Append(c);
                _at += 2;
                return;
            case 'Q':
                var end = pattern.IndexOf("\\E", _at + 2, StringComparison.Ordinal);
                var stop = end < 0 ? pattern.Length : end;
                for (var i = _at + 2; i < stop; i++) Quote(_out, pattern[i]);
                _at = end < 0 ? stop : stop + 2;
                return;
        }

        var negated = false;
        if (PerlClass(c) is { } members)
        {
            _at += 2;
            _out.Append(char.IsUpper(c) ? "[^" : "[").Append(members).Append(']');
            return;
        }

        if (c is 'p' or 'P')
        {
            _out.Append(UnicodeClass(ref negated));
            return;
        }

        AppendCodePoint(_out, EscapedCodePoint(), inClass: false);
    }

    private static string? PerlClass(char c) => char.ToLowerInvariant(c) switch
    {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\f\\r\\x20",
        _ => null,
    };

    private string UnicodeClass(ref bool negated)
    {
        negated = pattern[_at + 1] == 'P';
        string name;
        if (_at + 2 < pattern.Length && pattern[_at + 2] == '{')
        {
            var close = pattern.IndexOf('}', _at);
            if (close < 0) throw new PatternException("invalid character class range");
            name = pattern[(_at + 3)..close];
            _at = close + 1;
        }
        else
        {
            if (_at + 2 >= pattern.Length) throw new PatternException("invalid character class range");
            name = pattern[_at + 2].ToString();
            _at += 3;
        }

        if (name.StartsWith('^'))
        {
            negated = !negated;
            name = name[1..];
        }

        var dotnet = name switch
        {
            "Latin" => "IsBasicLatin}\\p{IsLatin-1Supplement}\\p{IsLatinExtended-A}\\p{IsLatinExtended-B",
            "Greek" => "IsGreek",
            "Cyrillic" => "IsCyrillic",
            "Hebrew" => "IsHebrew",
            "Arabic" => "IsArabic",
            "Han" => "IsCJKUnifiedIdeographs",
            "Hiragana" => "IsHiragana",
            "Katakana" => "IsKatakana",
            "L" or "M" or "N" or "P" or "S" or "Z" or "C" => name,
            { Length: 2 } when "LMNPSZC".Contains(name[0], StringComparison.Ordinal) && "ultmonceklodspifkcsr".Contains(name[1], StringComparison.Ordinal) => name,
            _ => throw new PatternException($"invalid character class range: `{name}`"),
        };
        return negated ? $"[^\\p{{{dotnet}}}]" : $"[\\p{{{dotnet}}}]";
    }

    private int EscapedCodePoint()
    {
        var c = pattern[_at + 1];
        _at += 2;
        switch (c)
        {
            case 'a': return 7;
            case 'f': return 12;
            case 't': return 9;
            case 'n': return 10;
            case 'r': return 13;
            case 'v': return 11;
            case 'x': return HexCodePoint();
            case >= '0' and <= '7':
                if (c != '0' && !(_at < pattern.Length && pattern[_at] is >= '0' and <= '7')) break;
                var value = c - '0';
                for (var i = 0; i < 2 && _at < pattern.Length && pattern[_at] is >= '0' and <= '7'; i++) value = (value * 8) + (pattern[_at++] - '0');
                return value;
        }

        if (c < 0x80 && !char.IsAsciiLetterOrDigit(c)) return c;
        throw new PatternException($"invalid escape sequence: `\\{c}`");
    }

    private int HexCodePoint()
    {
        var digits = "";
        if (_at < pattern.Length && pattern[_at] == '{')
        {
            var close = pattern.IndexOf('}', _at);
            if (close < 0) throw new PatternException("invalid escape sequence");
            digits = pattern[(_at + 1)..close];
            _at = close + 1;
        }
        else if (_at + 2 <= pattern.Length)
        {
            digits = pattern.Substring(_at, 2);
            _at += 2;
        }

        if (digits.Length is 0 or > 6 || !int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) || value > 0x10FFFF)
            throw new PatternException("invalid escape sequence");
        return value;
    }

    private static void AppendCodePoint(StringBuilder sb, int codePoint, bool inClass)
    {
        if (codePoint <= 0xFFFF) sb.Append(CultureInfo.InvariantCulture, $"\\u{codePoint:x4}");
        else if (inClass) throw new PatternException("characters beyond U+FFFF are not supported in classes");
        else sb.Append("(?:").Append(char.ConvertFromUtf32(codePoint)).Append(')');
    }

    private void CharacterClass()
    {
        var start = _at++;
        _out.Append('[');
        if (_at < pattern.Length && pattern[_at] == '^')
        {
            _out.Append('^');
            _at++;
        }

        var first = true;
        while (true)
        {
            if (_at >= pattern.Length) throw new PatternException($"missing closing ]: `{pattern[start..]}`");
            if (pattern[_at] == ']' && !first) break;
            first = false;
            if (Starts("[:"))
            {
                PosixClass();
                continue;
            }

            if (pattern[_at] == '\\' && _at + 1 < pattern.Length && NamedInClass()) continue;
            var low = ClassCodePoint();
            if (_at + 1 < pattern.Length && pattern[_at] == '-' && pattern[_at + 1] != ']')
            {
                _at++;
                var high = ClassCodePoint();
                if (high < low) throw new PatternException("invalid character class range");
                AppendCodePoint(_out, low, inClass: true);
                _out.Append('-');
                AppendCodePoint(_out, Math.Min(high, 0xFFFF), inClass: true);
            }
            else
            {
                AppendCodePoint(_out, low, inClass: true);
            }
        }

        _at++;
        _out.Append(']');
    }

    private bool NamedInClass()
    {
        var c = pattern[_at + 1];
        if (PerlClass(c) is { } members)
        {
            _at += 2;
            _out.Append(char.IsLower(c) ? members : c switch { 'D' => "\\x00-/:-\\uffff", 'W' => "\\x00-/:-@\\[-\\^`{-\\uffff", _ => "\\x00-\\b\\v\\x0e-\\x1f!-\\uffff" });
            return true;
        }

        if (c is not ('p' or 'P')) return false;
        var negated = false;
        var text = UnicodeClass(ref negated);
        if (negated) text = text.Replace("\\p{", "\\P{", StringComparison.Ordinal);
        _out.Append(text.Trim('[', ']', '^'));
        return true;
    }

    private void PosixClass()
    {
        var close = pattern.IndexOf(":]", _at, StringComparison.Ordinal);
        if (close < 0) throw new PatternException("invalid character class range");
        var name = pattern[(_at + 2)..close];
        _at = close + 2;
        _out.Append(name switch
        {
            "alnum" => "0-9A-Za-z",
            "alpha" => "A-Za-z",
            "ascii" => "\\x00-\\x7f",
            "blank" => "\\t\\x20",
            "cntrl" => "\\x00-\\x1f\\x7f",
            "digit" => "0-9",
            "graph" => "!-~",
            "lower" => "a-z",
            "print" => "\\x20-~",
            "punct" => "!-/:-@\\[-`{-~",
            "space" => "\\t\\n\\v\\f\\r\\x20",
            "upper" => "A-Z",
            "word" => "0-9A-Za-z_",
            "xdigit" => "0-9A-Fa-f",
            _ => throw new PatternException($"invalid character class range: `[:{name}:]`"),
        });
    }

    private int ClassCodePoint()
    {
        if (pattern[_at] == '\\')
        {
            if (_at + 1 >= pattern.Length) throw new PatternException("trailing backslash at end of expression");
            return EscapedCodePoint();
        }

        if (char.IsHighSurrogate(pattern[_at]) && _at + 1 < pattern.Length && char.IsLowSurrogate(pattern[_at + 1]))
            throw new PatternException("characters beyond U+FFFF are not supported in classes");
        return pattern[_at++];
    }
}
