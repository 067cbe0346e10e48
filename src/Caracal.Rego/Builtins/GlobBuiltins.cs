using System.Text;
using System.Text.RegularExpressions;
using Caracal.Rego.Builtins.Patterns;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Glob patterns.</summary>
internal static class GlobBuiltins
{
    private const int MaxSubject = 1 << 20;
    private const int MaxDelimiters = 64;

    public static void AddTo(BuiltinSet all)
    {
        all.Add("glob.match", ["string", "array|null", "string"], Match);
        all.Add("glob.quote_meta", ["string"], QuoteMeta);
    }

    private static RegoValue? Match(in BuiltinCall c)
    {
        var delimiters = "";
        if (c[1] is ArrayValue list)
        {
            if (list.Count == 0) delimiters = ".";
            if (list.Count > MaxDelimiters) return c.Fail("too many delimiters");
            foreach (var item in list.Span)
            {
                if (item is not StringValue { Text: { Length: > 0 } d } || CodePoints.Count(d) != 1) return c.WrongOperand(1, "array of single characters", "array containing " + Builtin.KindName(item.Kind));
                delimiters += d;
            }
        }

        if (c.Text(2).Length > MaxSubject) return c.Fail("subject too long");
        c.Context.Charge(1 + (c.Text(2).Length / 8));
        c.Context.CheckTime();
        try
        {
            var regex = PatternCache.Get($"glob\n{delimiters}\n{c.Text(0)}", (c.Text(0), delimiters), static g => Translate(g.Item1, g.delimiters));
            return RegoValue.Boolean(regex.IsMatch(c.Text(2)));
        }
        catch (PatternException e)
        {
            return c.Fail(e.Message);
        }
        catch (RegexMatchTimeoutException)
        {
            return c.Fail("matching took too long");
        }
    }

    private static RegoValue QuoteMeta(in BuiltinCall c)
    {
        var sb = new StringBuilder();
        foreach (var ch in c.Text(0))
        {
            if ("*?\\[]{}".Contains(ch, StringComparison.Ordinal)) sb.Append('\\');
            sb.Append(ch);
        }

        return RegoValue.String(sb.ToString());
    }

    private static string Translate(string glob, string delimiters)
    {
        if (glob.Length > 4096) throw new PatternException("pattern too long");
        var within = delimiters.Length == 0 ? "(?s:.)" : "[^" + string.Concat(delimiters.Select(Unit)) + "]";
        var sb = new StringBuilder("\\A");
        var depth = 0;
        for (var i = 0; i < glob.Length; i++)
        {
            switch (glob[i])
            {
                case '*' when i + 1 < glob.Length && glob[i + 1] == '*':
                    while (i + 1 < glob.Length && glob[i + 1] == '*') i++;
                    sb.Append("(?s:.*)");
                    break;
                case '*':
                    sb.Append(within).Append('*');
                    break;
                case '?':
                    sb.Append(within);
                    break;
                case '[':
                    i = Class(glob, i, sb);
                    break;
                case '{':
                    depth++;
                    sb.Append("(?:");
                    break;
                case '}' when depth > 0:
                    depth--;
                    sb.Append(')');
                    break;
                case ',' when depth > 0:
                    sb.Append('|');
                    break;
                case '\\':
                    if (++i >= glob.Length) throw new PatternException("trailing backslash");
                    sb.Append(Unit(glob[i]));
                    break;
                default:
                    sb.Append(Unit(glob[i]));
                    break;
            }
        }

        if (depth > 0) throw new PatternException("missing closing }");
        return sb.Append("\\z").ToString();
    }

    private static int Class(string glob, int at, StringBuilder sb)
    {
        var close = glob.IndexOf(']', at + 2 <= glob.Length ? at + 2 : at);
        if (close < 0) throw new PatternException("missing closing ]");
        var body = glob[(at + 1)..close];
        sb.Append('[');
        if (body.StartsWith('!'))
        {
            sb.Append('^');
            body = body[1..];
        }

        for (var i = 0; i < body.Length; i++)
        {
            if (i + 2 < body.Length && body[i + 1] == '-')
            {
                if (body[i + 2] < body[i]) throw new PatternException("invalid range");
                sb.Append(Unit(body[i])).Append('-').Append(Unit(body[i + 2]));
                i += 2;
            }
            else
            {
                sb.Append(Unit(body[i]));
            }
        }

        sb.Append(']');
        return close;
    }

    private static string Unit(char c) => $"\\u{(int)c:x4}";
}
