using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Address ranges. Nothing here touches a network.</summary>
internal static class NetBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("net.cidr_is_valid", ["any"], static (in c) => RegoValue.Boolean(c[0] is StringValue s && Block.Parse(s.Text) is not null));
        all.Add("net.cidr_contains", ["string", "string"], Contains);
        all.Add("net.cidr_intersects", ["string", "string"], Intersects);
        all.Add(new Builtin("net.cidr_overlap", ["string", "string"], Contains) { IsDeprecated = true });
        all.Add("net.cidr_expand", ["string"], Expand);
        all.Add("net.cidr_merge", ["array|set"], Merge);
        all.Add("net.cidr_contains_matches", ["any", "any"], ContainsMatches);
    }

    /// <summary>A range of addresses of one family.</summary>
    private sealed record Block(bool IsV6, BigInteger First, BigInteger Last)
    {
        public int Bits => IsV6 ? 128 : 32;

        public static Block? Parse(string text)
        {
            var slash = text.IndexOf('/', StringComparison.Ordinal);
            if (slash < 0 || Address(text[..slash]) is not { } address) return null;
            var digits = text[(slash + 1)..];
            if (digits.Length is 0 or > 3 || !digits.All(char.IsAsciiDigit) || (digits.Length > 1 && digits[0] == '0')) return null;
            var bits = address.IsV6 ? 128 : 32;
            var prefix = int.Parse(digits, CultureInfo.InvariantCulture);
            return prefix > bits ? null : Of(address.IsV6, address.First, prefix);
        }

        public static Block? Address(string text)
        {
            var isV6 = text.Contains(':', StringComparison.Ordinal);
            if (!isV6 && !(text.Split('.') is { Length: 4 } parts && parts.All(p => p.Length is > 0 and <= 3 && p.All(char.IsAsciiDigit) && (p.Length == 1 || p[0] != '0')))) return null;
            if (text.Contains('%', StringComparison.Ordinal) || text.Contains('[', StringComparison.Ordinal) || !IPAddress.TryParse(text, out var ip)) return null;
            var value = new BigInteger(ip.GetAddressBytes(), isUnsigned: true, isBigEndian: true);
            return new Block(isV6, value, value);
        }

        public static Block Of(bool isV6, BigInteger address, int prefix)
        {
            var size = BigInteger.One << ((isV6 ? 128 : 32) - prefix);
            var first = address / size * size;
            return new Block(isV6, first, first + size - 1);
        }

        public bool Holds(Block other) => IsV6 == other.IsV6 && First <= other.First && Last >= other.Last;

        public string Show(BigInteger address)
        {
            var bytes = new byte[Bits / 8];
            var raw = address.ToByteArray(isUnsigned: true, isBigEndian: true);
            raw.CopyTo(bytes, bytes.Length - raw.Length);
            return new IPAddress(bytes).ToString();
        }
    }

    private static RegoValue? Contains(in BuiltinCall c)
    {
        if (Block.Parse(c.Text(0)) is not { } outer) return c.Fail($"invalid CIDR address: {c.Text(0)}");
        if ((Block.Address(c.Text(1)) ?? Block.Parse(c.Text(1))) is not { } inner) return c.Fail($"invalid CIDR address: {c.Text(1)}");
        return RegoValue.Boolean(outer.Holds(inner));
    }

    private static RegoValue? Intersects(in BuiltinCall c)
    {
        if (Block.Parse(c.Text(0)) is not { } a) return c.Fail($"invalid CIDR address: {c.Text(0)}");
        if (Block.Parse(c.Text(1)) is not { } b) return c.Fail($"invalid CIDR address: {c.Text(1)}");
        return RegoValue.Boolean(a.IsV6 == b.IsV6 && a.First <= b.Last && b.First <= a.Last);
    }

    private static RegoValue? Expand(in BuiltinCall c)
    {
        if (Block.Parse(c.Text(0)) is not { } block) return c.Fail($"invalid CIDR address: {c.Text(0)}");
        if (block.Last - block.First >= c.Context.Limits.CollectionSize) throw c.Context.Limit("collection too large");
        var addresses = new SetBuilder();
        for (var at = block.First; at <= block.Last; at++)
        {
            c.Context.Tick();
            c.Context.ChargeMemory(80);
            addresses.Add(RegoValue.String(block.Show(at)));
        }

        return addresses.Build();
    }

    private static RegoValue? Merge(in BuiltinCall c)
    {
        var blocks = new List<Block>();
        foreach (var item in Aggregates.Items(c[0]))
        {
            c.Context.Tick();
            if (item is not StringValue { Text: var text }) return c.WrongOperand(0, "array or set of strings", Builtin.KindName(item.Kind));
            if (!text.Contains('/', StringComparison.Ordinal) && Block.Address(text) is { } address)
            {
                if (address.IsV6) return c.Fail("IPv6 invalid: needs prefix length");
                // A bare address stands for its classful network.
                var top = (int)(address.First >> 24);
                blocks.Add(Block.Of(false, address.First, top < 128 ? 8 : top < 192 ? 16 : top < 224 ? 24 : 32));
            }
            else if (Block.Parse(text) is { } block)
            {
                blocks.Add(block);
            }
            else
            {
                return c.Fail($"invalid CIDR address: {text}");
            }
        }

        blocks.Sort((a, b) => a.IsV6 != b.IsV6 ? a.IsV6.CompareTo(b.IsV6) : a.First != b.First ? a.First.CompareTo(b.First) : b.Last.CompareTo(a.Last));
        var merged = new List<Block>();
        foreach (var block in blocks)
        {
            if (merged.Count > 0 && merged[^1] is var last && last.IsV6 == block.IsV6 && block.First <= last.Last + 1)
                merged[^1] = last with { Last = BigInteger.Max(last.Last, block.Last) };
            else
                merged.Add(block);
        }

        var result = new SetBuilder();
        foreach (var block in merged)
        {
            for (var at = block.First; at <= block.Last;)
            {
                c.Context.Tick();
                var prefix = block.Bits;
                while (prefix > 0 && Block.Of(block.IsV6, at, prefix - 1) is var wider && wider.First == at && wider.Last <= block.Last) prefix--;
                result.Add(RegoValue.String(string.Create(CultureInfo.InvariantCulture, $"{block.Show(at)}/{prefix}")));
                at = Block.Of(block.IsV6, at, prefix).Last + 1;
            }
        }

        return result.Build();
    }

    private static RegoValue? ContainsMatches(in BuiltinCall c)
    {
        if (Entries(c, 0) is not { } outer || Entries(c, 1) is not { } inner) return null;
        var matches = new SetBuilder();
        foreach (var (key, text) in outer)
        {
            if (Block.Parse(text) is not { } block) return c.Fail($"invalid CIDR address: {text}");
            foreach (var (otherKey, other) in inner)
            {
                c.Context.Tick();
                if ((Block.Address(other) ?? Block.Parse(other)) is not { } candidate) return c.Fail($"invalid CIDR address: {other}");
                if (block.Holds(candidate)) matches.Add(new ArrayValue([key, otherKey]));
            }
        }

        return matches.Build();
    }

    /// <summary>Ranges with what stands for them in results: themselves, an index, a key, or a set's member.</summary>
    private static List<(RegoValue Key, string Text)>? Entries(in BuiltinCall c, int operand)
    {
        var entries = new List<(RegoValue, string)>();
        switch (c[operand])
        {
            case StringValue s:
                entries.Add((s, s.Text));
                return entries;
            case ArrayValue a:
                for (var i = 0; i < a.Count; i++)
                {
                    if (!Add(c, NumberValue.From(i), a[i])) return null;
                }

                return entries;
            case SetValue s:
                foreach (var member in s.Sorted)
                {
                    if (!Add(c, member, member)) return null;
                }

                return entries;
            case ObjectValue o:
                foreach (var (key, value) in o.Properties)
                {
                    if (!Add(c, key, value)) return null;
                }

                return entries;
            default:
                c.WrongOperand(operand, "one of {string, array, set, object}", Builtin.KindName(c[operand].Kind));
                return null;
        }

        bool Add(in BuiltinCall call, RegoValue key, RegoValue element)
        {
            var text = element is ArrayValue { Count: > 0 } a ? a[0] : element;
            if (text is not StringValue s)
            {
                call.Fail($"operand {operand + 1}: element must be string or non-empty array");
                return false;
            }

            entries.Add((key, s.Text));
            return true;
        }
    }
}
