using System.Globalization;
using System.Text;

namespace Caracal.Rego.Builtins.Patterns;

/// <summary>The pattern is not in RE2's syntax.</summary>
internal sealed class PatternException(string message) : Exception(message);

/// <summary>
/// Rewrites a pattern of RE2's syntax for .NET's automaton engine and refuses everything else:
/// look-around, back-references, and repetitions RE2 would not build (rego.md 14).
/// </summary>
internal sealed partial class Re2Translator(string pattern)
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
}
