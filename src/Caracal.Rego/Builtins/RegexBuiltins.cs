using System.Text;
using System.Text.RegularExpressions;
using Caracal.Rego.Builtins.Patterns;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Regular expressions in RE2's syntax.</summary>
internal static class RegexBuiltins
{
    private const int MaxSubject = 1 << 20;

    private delegate RegoValue? Use(in BuiltinCall c, Regex regex);

    public static void AddTo(BuiltinSet all)
    {
        all.Add("regex.match", ["string", "string"], static (in c) => With(c, 0, 1, static (in c, r) => RegoValue.Boolean(r.IsMatch(c.Text(1)))));
        all.Add(new Builtin("re_match", ["string", "string"], static (in c) => With(c, 0, 1, static (in c, r) => RegoValue.Boolean(r.IsMatch(c.Text(1))))) { IsDeprecated = true });
        all.Add("regex.is_valid", ["any"], static (in c) => RegoValue.Boolean(c[0] is StringValue s && IsValid(c.Context, s.Text)));
        all.Add("regex.split", ["string", "string"], static (in c) => With(c, 0, 1, Split));
        all.Add("regex.find_n", ["string", "string", "number"], static (in c) => With(c, 0, 1, Find));
        all.Add("regex.find_all_string_submatch_n", ["string", "string", "number"], static (in c) => With(c, 0, 1, FindGroups));
        all.Add("regex.replace", ["string", "string", "string"], static (in c) => With(c, 1, 0, Replace));
        all.Add("regex.template_match", ["string", "string", "string", "string"], TemplateMatch);
    }

    private static RegoValue? With(in BuiltinCall c, int pattern, int subject, Use use)
    {
        if (c.Text(subject).Length > MaxSubject) return c.Fail("subject too long");
        c.Context.Charge(1 + (c.Text(subject).Length / 8));
        c.Context.CheckTime(); // making an automaton, or one match, may take as long as a thousand steps
        try
        {
            return use(c, PatternCache.Re2(c.Text(pattern)));
        }
        catch (PatternException e)
        {
            return c.Fail($"error parsing regexp: {e.Message}");
        }
        catch (RegexMatchTimeoutException)
        {
            return c.Fail("matching took too long");
        }
    }

    private static bool IsValid(Evaluation.EvalContext ctx, string pattern)
    {
        ctx.CheckTime();
        try
        {
            PatternCache.Re2(pattern);
            return true;
        }
        catch (PatternException)
        {
            return false;
        }
    }

    /// <summary>All matches; an empty one right behind another match does not count.</summary>
    private static List<Match> Matches(in BuiltinCall c, Regex regex, string subject, long limit)
    {
        var found = new List<Match>();
        var end = -1;
        var bytes = 64 + (48L * regex.GetGroupNumbers().Length);
        for (var m = regex.Match(subject); m.Success && (limit < 0 || found.Count < limit); m = m.NextMatch())
        {
            c.Context.Tick();
            c.Context.CheckTime();
            if (m.Length == 0 && m.Index == end) continue;
            end = m.Index + m.Length;
            found.Add(m);
            c.Context.ChargeMemory(bytes);
        }

        return found;
    }

    private static RegoValue Split(in BuiltinCall c, Regex regex)
    {
        var text = c.Text(1);
        if (text.Length == 0) return new ArrayValue([StringValue.Empty]);
        var parts = new List<RegoValue>();
        var from = 0;
        var end = 0;
        foreach (var m in Matches(c, regex, text, -1))
        {
            end = m.Index;
            if (m.Index + m.Length != 0) parts.Add(RegoValue.String(text[from..end]));
            from = m.Index + m.Length;
        }

        if (end != text.Length) parts.Add(RegoValue.String(text[from..]));
        return new ArrayValue([.. parts]);
    }

    private static RegoValue? Find(in BuiltinCall c, Regex regex) =>
        Limit(c) is { } n ? new ArrayValue([.. Matches(c, regex, c.Text(1), n).Select(m => RegoValue.String(m.Value))]) : null;

    private static RegoValue? FindGroups(in BuiltinCall c, Regex regex) =>
        Limit(c) is { } n
            ? new ArrayValue([.. Matches(c, regex, c.Text(1), n).Select(m => new ArrayValue([.. InOrder(regex, m).Select(g => RegoValue.String(g.Value))]))])
            : null;

    private static long? Limit(in BuiltinCall c)
    {
        if (c.Number(2).TryGetInt64(out var n)) return n;
        c.WrongOperand(2, "integer number", "floating-point number");
        return null;
    }

    /// <summary>Groups by where they open; .NET numbers named ones last.</summary>
    private static IEnumerable<Group> InOrder(Regex regex, Match match)
    {
        var text = regex.ToString();
        var plain = 0;
        yield return match;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == '[')
            {
                while (text[i] != ']') i += text[i] == '\\' ? 2 : 1;
            }
            else if (text[i] == '(' && string.CompareOrdinal(text, i, "(?<g_", 0, 5) == 0)
            {
                yield return match.Groups[text[(i + 3)..text.IndexOf('>', i)]];
            }
            else if (text[i] == '(' && text[i + 1] != '?')
            {
                plain++;
                yield return match.Groups[plain];
            }
        }
    }

    private static RegoValue Replace(in BuiltinCall c, Regex regex)
    {
        var text = c.Text(0);
        var with = c.Text(2);
        var sb = new StringBuilder();
        var from = 0;
        foreach (var m in Matches(c, regex, text, -1))
        {
            sb.Append(text, from, m.Index - from);
            Expand(c.Context, sb, with, regex, m);
            from = m.Index + m.Length;
            if (sb.Length > c.Context.Limits.StringLength) throw c.Context.Limit("string too long");
        }

        return RegoValue.String(sb.Append(text, from, text.Length - from).ToString());
    }

    /// <summary>Puts groups for <c>$1</c>, <c>$name</c> and <c>${name}</c>.</summary>
    private static void Expand(Evaluation.EvalContext ctx, StringBuilder sb, string with, Regex regex, Match match)
    {
        for (var i = 0; i < with.Length; i++)
        {
            if (with[i] != '$' || i + 1 >= with.Length)
            {
                sb.Append(with[i]);
                continue;
            }

            if (with[i + 1] == '$')
            {
                sb.Append('$');
                i++;
                continue;
            }

            var braced = with[i + 1] == '{';
            var start = i + (braced ? 2 : 1);
            var end = start;
            while (end < with.Length && (char.IsAsciiLetterOrDigit(with[end]) || with[end] == '_')) end++;
            if (end == start || (braced && (end >= with.Length || with[end] != '}')))
            {
                sb.Append('$');
                continue;
            }

            ctx.Charge(16);
            if (sb.Length > ctx.Limits.StringLength) throw ctx.Limit("string too long");
            var name = with[start..end];
            var group = name.All(char.IsAsciiDigit) && name.Length < 6
                ? InOrder(regex, match).ElementAtOrDefault(int.Parse(name, System.Globalization.CultureInfo.InvariantCulture))
                : match.Groups["g_" + name];
            sb.Append(group?.Value);
            i = braced ? end : end - 1;
        }
    }

    private static RegoValue? TemplateMatch(in BuiltinCall c)
    {
        if (c.Text(2).Length != 1 || c.Text(3).Length != 1) return c.Fail("delimiters must be one character");
        var (template, open, close) = (c.Text(0), c.Text(2)[0], c.Text(3)[0]);
        if (c.Text(1).Length > MaxSubject) return c.Fail("subject too long");
        c.Context.Charge(1 + (c.Text(1).Length / 8));
        c.Context.CheckTime();
        try
        {
            var regex = PatternCache.Get($"template\n{open}{close}{template}", (template, open, close), static t => Template(t.template, t.open, t.close));
            return RegoValue.Boolean(regex.IsMatch(c.Text(1)));
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

    private static string Template(string template, char open, char close)
    {
        var sb = new StringBuilder("\\A");
        var at = 0;
        while (at < template.Length)
        {
            var start = template.IndexOf(open, at);
            if (start < 0) start = template.Length;
            sb.Append(Regex.Escape(template[at..start]));
            if (start == template.Length) break;
            var depth = 0;
            var end = start;
            for (; end < template.Length; end++)
            {
                if (template[end] == open && (open != close || depth == 0)) depth++;
                else if (template[end] == close && --depth == 0) break;
            }

            if (end >= template.Length) throw new PatternException("unbalanced braces");
            sb.Append("(?:").Append(Re2Translator.Translate(template[(start + 1)..end])).Append(')');
            at = end + 1;
        }

        return sb.Append("\\z").ToString();
    }
}
