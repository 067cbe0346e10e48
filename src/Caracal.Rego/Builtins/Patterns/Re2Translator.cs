using System.Globalization;
using System.Text;

namespace Caracal.Rego.Builtins.Patterns;

/// <summary>The pattern is not in RE2's syntax.</summary>
internal sealed class PatternException(string message) : Exception(message);

/// <summary>
/// Rewrites a pattern of RE2's syntax for .NET's automaton engine and refuses everything else:
/// look-around, back-references, and repetitions RE2 would not build (rego.md 14).
/// </summary>
internal sealed class Re2Translator(string pattern)
{
    private const int MaxLength = 4096;
    private const int MaxRepeat = 1000;
    private const int MaxNesting = 100;

    private readonly StringBuilder _out = new();
    private int _at;
    private int _depth;

    [Flags]
    private enum Flags
    {
        None = 0,
        FoldCase = 1,
        MultiLine = 2,
        DotAll = 4,
        Ungreedy = 8,
    }

    public static string Translate(string pattern)
    {
        if (pattern.Length > MaxLength) throw new PatternException("pattern too long");
        var translator = new Re2Translator(pattern);
        translator.Alternation(Flags.None);
        if (translator._at < pattern.Length) throw new PatternException("unexpected )");
        return translator._out.ToString();
    }

    /// <summary>Reads alternatives up to a closing parenthesis; gives the largest product of repetitions inside.</summary>
    private int Alternation(Flags flags)
    {
        if (++_depth > MaxNesting) throw new PatternException("expression nests too deeply");
        var largest = 1;
        while (_at < pattern.Length && pattern[_at] != ')')
        {
            if (pattern[_at] == '|')
            {
                _out.Append('|');
                _at++;
                continue;
            }

            largest = Math.Max(largest, Piece(ref flags));
        }

        _depth--;
        return largest;
    }

    private int Piece(ref Flags flags)
    {
        var repeats = 1;
        var c = pattern[_at];
        switch (c)
        {
            case '(':
                if (!Group(ref flags, out repeats)) return 1;
                break;
            case '[':
                CharacterClass();
                break;
            case '\\':
                Escape();
                break;
            case '.':
                _at++;
                _out.Append(flags.HasFlag(Flags.DotAll) ? "(?s:.)" : "[^\\n]");
                break;
            case '^':
                _at++;
                _out.Append(flags.HasFlag(Flags.MultiLine) ? "(?m:^)" : "\\A");
                break;
            case '$':
                _at++;
                _out.Append(flags.HasFlag(Flags.MultiLine) ? "(?m:$)" : "\\z");
                break;
            case '*' or '+' or '?':
                throw new PatternException($"missing argument to repetition operator: `{c}`");
            default:
                AppendLiteral();
                break;
        }

        return Quantifiers(flags, repeats);
    }

    private void AppendLiteral()
    {
        if (char.IsHighSurrogate(pattern[_at]) && _at + 1 < pattern.Length && char.IsLowSurrogate(pattern[_at + 1]))
        {
            _out.Append("(?:").Append(pattern, _at, 2).Append(')');
            _at += 2;
            return;
        }

        Quote(_out, pattern[_at++]);
    }

    private static void Quote(StringBuilder sb, char c)
    {
        if ("\\*+?|{}[]()^$.# \t\n\r\f\v-&".Contains(c, StringComparison.Ordinal)) sb.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
        else sb.Append(c);
    }

    private int Quantifiers(Flags flags, int repeats)
    {
        var count = 0;
        while (_at < pattern.Length)
        {
            string op;
            switch (pattern[_at])
            {
                case '*' or '+' or '?':
                    op = pattern[_at++].ToString();
                    break;
                case '{' when Bounds(out op, out var most):
                    repeats *= Math.Max(most, 1);
                    if (repeats > MaxRepeat) throw new PatternException("invalid repeat count");
                    break;
                default: return repeats;
            }

            if (++count > 1) throw new PatternException("invalid nested repetition operator");
            var lazy = _at < pattern.Length && pattern[_at] == '?';
            if (lazy) _at++;
            if (flags.HasFlag(Flags.Ungreedy)) lazy = !lazy;
            _out.Append(op);
            if (lazy) _out.Append('?');
        }

        return repeats;
    }

    /// <summary>Reads <c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c>; anything else is a literal brace.</summary>
    private bool Bounds(out string op, out int most)
    {
        op = "";
        most = 0;
        var close = pattern.IndexOf('}', _at);
        if (close < 0) return false;
        var parts = pattern[(_at + 1)..close].Split(',');
        if (parts.Length > 2 || !Count(parts[0], out var low)) return false;
        var high = low;
        if (parts.Length == 2 && parts[1].Length > 0 && !Count(parts[1], out high)) return false;
        if (low > MaxRepeat || high > MaxRepeat || high < low) throw new PatternException("invalid repeat count");
        most = high;
        op = pattern[_at..(close + 1)];
        _at = close + 1;
        return true;
    }

    private static bool Count(string text, out int count)
    {
        count = 0;
        if (text.Length == 0 || !text.All(char.IsAsciiDigit)) return false;
        count = text.Length > 5 ? int.MaxValue : int.Parse(text, CultureInfo.InvariantCulture);
        return true;
    }

    /// <summary>Reads a group; false when it only set flags.</summary>
    private bool Group(ref Flags flags, out int repeats)
    {
        _at++;
        repeats = 1;
        var inner = flags;
        if (!Starts("?"))
        {
            _out.Append('(');
        }
        else if (Starts("?P<") || Starts("?<"))
        {
            _at = pattern.IndexOf('<', _at) + 1;
            var close = pattern.IndexOf('>', _at);
            if (close < 0) throw new PatternException("invalid named capture");
            var name = pattern[_at..close];
            if (name.Length == 0 || !name.All(ch => char.IsAsciiLetterOrDigit(ch) || ch == '_')) throw new PatternException("invalid named capture");
            // The prefix keeps names of digits apart from numbered groups, which .NET would mix up.
            _out.Append("(?<g_").Append(name).Append('>');
            _at = close + 1;
        }
        else
        {
            _at++;
            if (!FlagList(ref inner))
            {
                var changed = inner ^ flags;
                flags = inner;
                if (changed.HasFlag(Flags.FoldCase)) _out.Append(inner.HasFlag(Flags.FoldCase) ? "(?i)" : "(?-i)");
                return false;
            }

            _out.Append(((inner ^ flags) & Flags.FoldCase) == Flags.None ? "(?:" : inner.HasFlag(Flags.FoldCase) ? "(?i:" : "(?-i:");
        }

        repeats = Alternation(inner);
        if (_at >= pattern.Length) throw new PatternException("missing closing )");
        _at++;
        _out.Append(')');
        return true;
    }

    /// <summary>Reads flags up to a colon, or up to the closing parenthesis of a group that only sets them.</summary>
    private bool FlagList(ref Flags flags)
    {
        var on = true;
        for (; _at < pattern.Length; _at++)
        {
            var flag = pattern[_at] switch
            {
                'i' => Flags.FoldCase,
                'm' => Flags.MultiLine,
                's' => Flags.DotAll,
                'U' => Flags.Ungreedy,
                _ => Flags.None,
            };
            if (flag != Flags.None)
            {
                flags = on ? flags | flag : flags & ~flag;
            }
            else if (pattern[_at] == '-' && on)
            {
                on = false;
            }
            else if (pattern[_at] is ':' or ')')
            {
                return pattern[_at++] == ':';
            }
            else
            {
                break;
            }
        }

        throw new PatternException("invalid or unsupported Perl syntax");
    }

    private bool Starts(string text) => string.CompareOrdinal(pattern, _at, text, 0, text.Length) == 0;

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
