using System.Numerics;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Semantic versions and amounts with units.</summary>
internal static class VersionBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("semver.is_valid", ["any"], static (in c) => RegoValue.Boolean(c[0] is StringValue s && SemVer.Parse(s.Text) is not null));
        all.Add("semver.compare", ["string", "string"], Compare);
        all.Add("units.parse", ["string"], static (in c) => Amount(c, bytes: false));
        all.Add("units.parse_bytes", ["string"], static (in c) => Amount(c, bytes: true));
    }

    private static RegoValue? Compare(in BuiltinCall c)
    {
        for (var i = 0; i < 2; i++)
        {
            if (SemVer.Parse(c.Text(i)) is null) return c.Fail($"operand {i + 1}: string {ValueText.Of(c[i])} is not a valid SemVer");
        }

        return NumberValue.From(SemVer.Parse(c.Text(0))!.CompareTo(SemVer.Parse(c.Text(1))!));
    }

    private static RegoValue? Amount(in BuiltinCall c, bool bytes)
    {
        var text = c.Text(0).Replace("\"", "", StringComparison.Ordinal);
        if (text.Contains(' ', StringComparison.Ordinal)) return c.Fail("spaces not allowed in resource strings");
        var sign = text.Length > 0 && text[0] is '-' or '+' ? text[..1] : "";
        text = text[sign.Length..];
        var split = 0;
        while (split < text.Length && (char.IsAsciiDigit(text[split]) || text[split] == '.' || IsExponent(text, split) || (split > 0 && text[split] is '+' or '-' && IsExponent(text, split - 1)))) split++;
        var what = bytes ? "byte amount" : "amount";
        if (split == 0) return c.Fail($"no {what} provided");
        var digits = text[..split];
        if (digits.EndsWith('.')) digits += "0";
        if (!TryDecimal(digits, out var amount)) return c.Fail($"could not parse {what} to a number");
        if (Factor(text[split..], bytes) is not { } factor) return c.Fail($"{(bytes ? "byte " : "")}unit {text[split..]} not recognized");
        if (sign == "-") amount = Arithmetic.Negate(amount);
        var exact = NumberValue.From(amount.Coefficient * factor.Coefficient, amount.Exponent + factor.Exponent);
        return bytes ? Arithmetic.Exact(Arithmetic.Truncate(exact)) : exact;
    }

    private static bool IsExponent(string text, int at) =>
        text[at] is 'e' or 'E' && at > 0 && at + 1 < text.Length && (char.IsAsciiDigit(text[at + 1]) || (text[at + 1] is '+' or '-' && at + 2 < text.Length && char.IsAsciiDigit(text[at + 2])));

    private static bool TryDecimal(string digits, out NumberValue amount)
    {
        // Leading zeros are fine here, unlike in number literals.
        var trimmed = digits.TrimStart('0');
        if (trimmed.Length == 0 || trimmed[0] is '.' or 'e' or 'E') trimmed = "0" + trimmed;
        var ok = DecimalText.TryParse(trimmed, out var n);
        amount = n ?? NumberValue.From(0);
        return ok;
    }

    private static NumberValue? Factor(string unit, bool bytes)
    {
        if (!bytes && unit == "m") return NumberValue.From(1, -3);
        var u = bytes || unit.Length > 1 || unit != "M" ? unit.ToLowerInvariant() : "m";
        if (bytes && u.EndsWith('b')) u = u[..^1];
        if (u.Length == 0) return NumberValue.From(1);
        var step = "kmgtpe".IndexOf(u[0], StringComparison.Ordinal) + 1;
        if (step == 0) return null;
        return u[1..] switch
        {
            "" => NumberValue.From(BigInteger.Pow(1000, step)),
            "i" => NumberValue.From(BigInteger.Pow(1024, step)),
            _ => null,
        };
    }
}

/// <summary>A version by semver.org 2.0.</summary>
internal sealed record SemVer(BigInteger[] Core, string[] PreRelease) : IComparable<SemVer>
{
    public static SemVer? Parse(string text)
    {
        if (text.Length > 4096) return null;
        var plus = text.IndexOf('+', StringComparison.Ordinal);
        if (plus >= 0)
        {
            if (!text[(plus + 1)..].Split('.').All(IsIdentifier)) return null;
            text = text[..plus];
        }

        var dash = text.IndexOf('-', StringComparison.Ordinal);
        string[] pre = [];
        if (dash >= 0)
        {
            pre = text[(dash + 1)..].Split('.');
            if (!pre.All(IsIdentifier)) return null;
            text = text[..dash];
        }

        var parts = text.Split('.');
        if (parts.Length != 3 || !parts.All(IsNumber)) return null;
        return new SemVer([.. parts.Select(p => BigInteger.Parse(p, System.Globalization.CultureInfo.InvariantCulture))], pre);
    }

    public int CompareTo(SemVer? other)
    {
        if (other is null) return 1;
        for (var i = 0; i < 3; i++)
        {
            var c = Core[i].CompareTo(other.Core[i]);
            if (c != 0) return c;
        }

        if (PreRelease.Length == 0 || other.PreRelease.Length == 0) return (PreRelease.Length == 0 ? 1 : 0) - (other.PreRelease.Length == 0 ? 1 : 0);
        for (var i = 0; i < Math.Min(PreRelease.Length, other.PreRelease.Length); i++)
        {
            var c = CompareParts(PreRelease[i], other.PreRelease[i]);
            if (c != 0) return c;
        }

        return PreRelease.Length.CompareTo(other.PreRelease.Length);
    }

    private static int CompareParts(string a, string b)
    {
        var an = a.All(char.IsAsciiDigit);
        var bn = b.All(char.IsAsciiDigit);
        if (an && bn)
        {
            return BigInteger.Parse(a, System.Globalization.CultureInfo.InvariantCulture)
                .CompareTo(BigInteger.Parse(b, System.Globalization.CultureInfo.InvariantCulture));
        }

        return an != bn ? an ? -1 : 1 : Math.Sign(string.CompareOrdinal(a, b));
    }

    private static bool IsIdentifier(string text) => text.Length > 0 && text.All(ch => char.IsAsciiLetterOrDigit(ch) || ch == '-');

    private static bool IsNumber(string text) => text.Length is > 0 and < 100 && text.All(char.IsAsciiDigit) && (text.Length == 1 || text[0] != '0');
}
