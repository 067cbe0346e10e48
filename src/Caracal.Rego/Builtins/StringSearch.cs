using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Builtins that look for text in text.</summary>
internal static class StringSearch
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("contains", ["string", "string"], static (in c) => RegoValue.Boolean(c.Text(1).Length == 0 || new Needle(c.Text(0), c.Text(1)).Next(0) >= 0));
        all.Add("startswith", ["string", "string"], static (in c) => RegoValue.Boolean(c.Text(0).StartsWith(c.Text(1), StringComparison.Ordinal)));
        all.Add("endswith", ["string", "string"], static (in c) => RegoValue.Boolean(c.Text(0).EndsWith(c.Text(1), StringComparison.Ordinal)));
        all.Add("indexof", ["string", "string"], IndexOf);
        all.Add("indexof_n", ["string", "string"], IndexOfAll);
        all.Add("strings.count", ["string", "string"], Count);
        all.Add("strings.any_prefix_match", ["string|set|array", "string|set|array"], static (in c) => Any(c, static (text, part) => text.StartsWith(part, StringComparison.Ordinal)));
        all.Add("strings.any_suffix_match", ["string|set|array", "string|set|array"], static (in c) => Any(c, static (text, part) => text.EndsWith(part, StringComparison.Ordinal)));
    }

    private static RegoValue? IndexOf(in BuiltinCall c)
    {
        if (c.Text(1).Length == 0) return c.Fail("empty search character");
        var at = new Needle(c.Text(0), c.Text(1)).Next(0);
        return NumberValue.From(at < 0 ? -1 : CodePoints.FromUnits(c.Text(0), at));
    }

    private static RegoValue? IndexOfAll(in BuiltinCall c)
    {
        var (text, part) = (c.Text(0), c.Text(1));
        if (part.Length == 0) return c.Fail("empty search character");
        var found = new List<RegoValue>();
        var position = 0;
        for (var at = 0; at + part.Length <= text.Length; at++)
        {
            c.Context.Charge(1 + (part.Length / 1024));
            if (at > 0 && char.IsLowSurrogate(text[at]) && char.IsHighSurrogate(text[at - 1])) continue;
            if (string.CompareOrdinal(text, at, part, 0, part.Length) == 0) found.Add(NumberValue.From(position));
            position++;
        }

        c.Context.CheckCollection(found.Count);
        return new ArrayValue([.. found]);
    }

    private static NumberValue Count(in BuiltinCall c)
    {
        var (text, part) = (c.Text(0), c.Text(1));
        if (part.Length == 0) return NumberValue.From(CodePoints.Count(text) + 1);
        return NumberValue.From(new Needle(text, part).Count());
    }

    private static RegoValue? Any(in BuiltinCall c, Func<string, string, bool> matches)
    {
        if (Strings(c, 0) is not { } texts || Strings(c, 1) is not { } parts) return null;
        c.Context.Charge((long)texts.Count * parts.Count / 4);
        foreach (var text in texts)
        {
            foreach (var part in parts)
            {
                if (matches(text, part)) return RegoValue.True;
            }
        }

        return RegoValue.False;
    }

    private static List<string>? Strings(in BuiltinCall c, int operand)
    {
        if (c[operand] is StringValue one) return [one.Text];
        var texts = new List<string>();
        foreach (var item in Aggregates.Items(c[operand]))
        {
            if (item is not StringValue s)
            {
                var kind = Builtin.KindName(c[operand].Kind);
                c.WrongOperand(operand, $"{kind} of strings", $"{kind} containing {Builtin.KindName(item.Kind)}");
                return null;
            }

            texts.Add(s.Text);
        }

        return texts;
    }
}
