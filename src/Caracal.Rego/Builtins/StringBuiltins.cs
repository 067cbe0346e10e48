using System.Globalization;
using System.Numerics;
using System.Text;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Builtins that make strings from strings.</summary>
internal static class StringBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("concat", ["string", "array|set"], Concat);
        all.Add("lower", ["string"], static (in c) => RegoValue.String(c.Text(0).ToLowerInvariant()));
        all.Add("upper", ["string"], static (in c) => RegoValue.String(c.Text(0).ToUpperInvariant()));
        all.Add("split", ["string", "string"], Split);
        all.Add("replace", ["string", "string", "string"], Replace);
        all.Add("strings.replace_n", ["object", "string"], ReplaceAll);
        all.Add("strings.reverse", ["string"], Reverse);
        all.Add("substring", ["string", "number", "number"], Substring);
        all.Add("trim", ["string", "string"], static (in c) => RegoValue.String(Trim(c.Text(0), c.Text(1), true, true)));
        all.Add("trim_left", ["string", "string"], static (in c) => RegoValue.String(Trim(c.Text(0), c.Text(1), true, false)));
        all.Add("trim_right", ["string", "string"], static (in c) => RegoValue.String(Trim(c.Text(0), c.Text(1), false, true)));
        all.Add("trim_prefix", ["string", "string"], static (in c) =>
            c.Text(0).StartsWith(c.Text(1), StringComparison.Ordinal) ? RegoValue.String(c.Text(0)[c.Text(1).Length..]) : c[0]);
        all.Add("trim_suffix", ["string", "string"], static (in c) =>
            c.Text(0).EndsWith(c.Text(1), StringComparison.Ordinal) ? RegoValue.String(c.Text(0)[..^c.Text(1).Length]) : c[0]);
        all.Add("trim_space", ["string"], static (in c) => RegoValue.String(c.Text(0).Trim()));
        all.Add("format_int", ["number", "number"], FormatInt);
        all.Add("sprintf", ["string", "array"], static (in c) => Sprintf.Format(c.Context, c.Text(0), ((ArrayValue)c[1]).Span));
    }

    private static RegoValue? Concat(in BuiltinCall c)
    {
        var sb = new StringBuilder();
        var first = true;
        foreach (var item in Aggregates.Items(c[1]))
        {
            if (item is not StringValue s)
            {
                var kind = Builtin.KindName(c[1].Kind);
                return c.WrongOperand(1, $"{kind} of strings", $"{kind} containing {Builtin.KindName(item.Kind)}");
            }

            if (!first) sb.Append(c.Text(0));
            first = false;
            sb.Append(s.Text);
            Guard(c, sb.Length);
        }

        return RegoValue.String(sb.ToString());
    }

    private static ArrayValue Split(in BuiltinCall c)
    {
        var text = c.Text(0);
        var by = c.Text(1);
        c.Context.Charge(text.Length / 32);
        if (by.Length == 0)
        {
            var runes = new List<RegoValue>();
            for (var i = 0; i < text.Length;)
            {
                var n = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
                runes.Add(RegoValue.String(text.Substring(i, n)));
                i += n;
            }

            c.Context.CheckCollection(runes.Count);
            return new ArrayValue([.. runes]);
        }

        var needle = new Needle(text, by);
        var count = 1 + needle.Count();
        c.Context.CheckCollection(count);
        c.Context.ChargeMemory(count * 56L);
        if (count > ShortLists.Longest)
        {
            var many = new RegoValue[count];
            Split(text, needle, by.Length, many);
            return new ArrayValue(many);
        }

        // Scopes, paths and host names: a few short parts that come again and again.
        var room = default(Operands);
        var few = ((Span<RegoValue>)room)[..count];
        Split(text, needle, by.Length, few);
        return c.Context.Scratch.Lists.Get(few);
    }

    private static void Split(string text, Needle by, int length, Span<RegoValue> parts)
    {
        var from = 0;
        for (var i = 0; i < parts.Length - 1; i++)
        {
            var at = by.Next(from);
            parts[i] = KeyNames.Get(text.AsSpan(from, at - from));
            from = at + length;
        }

        parts[^1] = KeyNames.Get(text.AsSpan(from));
    }

    private static RegoValue Replace(in BuiltinCall c)
    {
        var (text, old, with) = (c.Text(0), c.Text(1), c.Text(2));
        c.Context.Charge(text.Length / 32);
        if (old.Length > 0)
        {
            var needle = new Needle(text, old);
            var hits = needle.Count();
            if (hits == 0) return c[0];
            Guard(c, text.Length + (hits * (long)(with.Length - old.Length)));
            var replaced = new StringBuilder();
            var from = 0;
            for (var at = needle.Next(0); at >= 0; at = needle.Next(from))
            {
                replaced.Append(text, from, at - from).Append(with);
                from = at + old.Length;
            }

            return RegoValue.String(replaced.Append(text, from, text.Length - from).ToString());
        }

        // An empty text stands before every code point and at the end.
        Guard(c, text.Length + ((text.Length + 1L) * with.Length));
        var sb = new StringBuilder(with);
        foreach (var rune in text.EnumerateRunes()) sb.Append(rune.ToString()).Append(with);
        return RegoValue.String(sb.ToString());
    }

    /// <summary>One pass; at each place the first pattern that matches, in ascending order, is replaced.</summary>
    private static RegoValue? ReplaceAll(in BuiltinCall c)
    {
        var pairs = new List<(string Old, string With)>();
        foreach (var (key, value) in ((ObjectValue)c[0]).Properties)
        {
            if (key is not StringValue k) return c.WrongOperand(0, "object with string keys", "object with " + Builtin.KindName(key.Kind) + " key");
            if (value is not StringValue v) return c.WrongOperand(0, "object with string values", "object with " + Builtin.KindName(value.Kind) + " value");
            pairs.Add((k.Text, v.Text));
        }

        var text = c.Text(1);
        var sb = new StringBuilder();
        var afterMatch = false;
        for (var at = 0; at <= text.Length;)
        {
            c.Context.Charge(1 + (pairs.Count / 8));
            var hit = pairs.FindIndex(p => string.CompareOrdinal(text, at, p.Old, 0, p.Old.Length) == 0 && (p.Old.Length > 0 || !afterMatch));
            if (hit >= 0)
            {
                sb.Append(pairs[hit].With);
                at += pairs[hit].Old.Length;
                afterMatch = pairs[hit].Old.Length > 0;
                Guard(c, sb.Length);
                if (afterMatch) continue;
            }

            if (at < text.Length) sb.Append(text[at]);
            at++;
            afterMatch = false;
        }

        return RegoValue.String(sb.ToString());
    }

    private static RegoValue Reverse(in BuiltinCall c)
    {
        var text = c.Text(0);
        var result = new char[text.Length];
        var to = result.Length;
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                result[--to] = text[i + 1];
                result[--to] = text[i];
                i++;
            }
            else
            {
                result[--to] = text[i];
            }
        }

        return RegoValue.String(new string(result));
    }

    private static RegoValue? Substring(in BuiltinCall c)
    {
        for (var i = 1; i < 3; i++)
        {
            if (!c.Number(i).IsInteger) return c.WrongOperand(i, "integer number", "floating-point number");
        }

        if (c.Number(1).Sign < 0) return c.Fail("negative offset");
        var text = c.Text(0);
        var from = CodePoints.ToUnits(text, Clamp(c.Number(1)));
        var length = Clamp(c.Number(2));
        if (length < 0) return RegoValue.String(text[from..]);
        var rest = text[from..];
        return RegoValue.String(rest[..CodePoints.ToUnits(rest, length)]);
    }

    private static long Clamp(NumberValue n) => n.TryGetInt64(out var value) ? value : n.Sign > 0 ? long.MaxValue : -1;

    private static string Trim(string text, string cutset, bool left, bool right)
    {
        var cut = cutset.EnumerateRunes().ToHashSet();
        var from = 0;
        var to = text.Length;
        while (left && from < to && Rune.DecodeFromUtf16(text.AsSpan(from, to - from), out var rune, out var n) == System.Buffers.OperationStatus.Done && cut.Contains(rune)) from += n;
        while (right && from < to && Rune.DecodeLastFromUtf16(text.AsSpan(from, to - from), out var rune, out var n) == System.Buffers.OperationStatus.Done && cut.Contains(rune)) to -= n;
        return text[from..to];
    }

    private static RegoValue? FormatInt(in BuiltinCall c)
    {
        var whole = Arithmetic.Truncate(c.Number(0));
        if (!c.Number(1).TryGetInt64(out var radix) || radix is not (2 or 8 or 10 or 16))
            return c.WrongType("operand 2 must be one of {2, 8, 10, 16}");
        return RegoValue.String(InBase(whole, (int)radix));
    }

    public static string InBase(BigInteger value, int radix)
    {
        if (radix == 10) return value.ToString(CultureInfo.InvariantCulture);
        if (value.IsZero) return "0";
        var digits = BigInteger.Abs(value);
        var shift = radix switch { 2 => 1, 8 => 3, _ => 4 };
        var sb = new StringBuilder();
        var bits = (int)digits.GetBitLength();
        for (var at = (bits + shift - 1) / shift * shift - shift; at >= 0; at -= shift)
            sb.Append("0123456789abcdef"[(int)((digits >> at) & (radix - 1))]);
        return value.Sign < 0 ? "-" + sb : sb.ToString();
    }

    private static void Guard(in BuiltinCall c, long length)
    {
        if (length > c.Context.Limits.StringLength) throw c.Context.Limit("string too long");
    }
}
