using System.Globalization;
using System.Numerics;
using System.Text;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>The verbs of Go's fmt package, as far as policies use them (rego.md 11).</summary>
internal static class Sprintf
{
    private const int MaxWidth = 4096;

    private readonly record struct Spec(char Verb, int Width, int Precision, bool Left, bool Plus, bool Sharp, bool Zero, bool Space);

    public static RegoValue Format(EvalContext ctx, string format, ReadOnlySpan<RegoValue> args)
    {
        var sb = ctx.Scratch.Text();
        var next = 0;
        var reordered = false;
        for (var i = 0; i < format.Length; i++)
        {
            if (sb.Length > ctx.Limits.StringLength) throw ctx.Limit("string too long");
            if (format[i] != '%')
            {
                sb.Append(format[i]);
                continue;
            }

            i++;
            var spec = ReadSpec(format, ref i, args, ref next, ref reordered);
            if (spec is not { } s)
            {
                sb.Append("%!(NOVERB)");
                break;
            }

            if (s.Verb == '%')
            {
                sb.Append('%');
                continue;
            }

            if (next >= args.Length)
            {
                sb.Append("%!").Append(s.Verb).Append("(MISSING)");
                continue;
            }

            var operand = args[next++];
            ChargeUse(ctx, operand);
            if (operand is StringValue plain && s is { Verb: 's' or 'v', Width: <= 0, Precision: < 0, Sharp: false }) sb.Append(plain.Text);
            else sb.Append(Operand(s, operand));
        }

        if (next < args.Length && !reordered) Extra(ctx, sb, args[next..]);
        if (sb.Length > ctx.Limits.StringLength) throw ctx.Limit("string too long");
        return RegoValue.String(sb.ToString());
    }

    private static void Extra(EvalContext ctx, StringBuilder sb, ReadOnlySpan<RegoValue> rest)
    {
        sb.Append("%!(EXTRA ");
        for (var i = 0; i < rest.Length; i++)
        {
            ChargeUse(ctx, rest[i]);
            if (i > 0) sb.Append(", ");
            sb.Append(GoType(rest[i])).Append('=').Append(Plain(rest[i]));
        }

        sb.Append(')');
    }

    /// <summary>An explicit index may name one operand any number of times, so each use is paid for.</summary>
    private static void ChargeUse(EvalContext ctx, RegoValue operand)
    {
        if (operand is NumberValue n) ctx.Charge(n.Weight);
        else ctx.ChargeText(operand);
    }

    private static Spec? ReadSpec(string f, ref int i, ReadOnlySpan<RegoValue> args, ref int next, ref bool reordered)
    {
        bool left = false, plus = false, sharp = false, zero = false, space = false;
        for (; i < f.Length; i++)
        {
            if (f[i] == '-') left = true;
            else if (f[i] == '+') plus = true;
            else if (f[i] == '#') sharp = true;
            else if (f[i] == '0') zero = true;
            else if (f[i] == ' ') space = true;
            else break;
        }

        Position(f, ref i, args.Length, ref next, ref reordered);
        var width = Size(f, ref i, args, ref next);
        if (width < -1)
        {
            left = true;
            width = -width;
        }

        var precision = -1;
        if (i < f.Length && f[i] == '.')
        {
            i++;
            Position(f, ref i, args.Length, ref next, ref reordered);
            precision = Math.Max(0, Size(f, ref i, args, ref next));
        }

        Position(f, ref i, args.Length, ref next, ref reordered);
        if (i >= f.Length) return null;
        var verb = f[i];
        return new Spec(verb, Math.Min(width, MaxWidth), Math.Min(precision, MaxWidth), left, plus, sharp, zero && !left, space);
    }

    private static int Size(string f, ref int i, ReadOnlySpan<RegoValue> args, ref int next)
    {
        if (i < f.Length && f[i] == '*')
        {
            i++;
            return next < args.Length && args[next++].TryGetInt64(out var n) ? (int)Math.Clamp(n, -MaxWidth, MaxWidth) : -1;
        }

        var size = -1;
        while (i < f.Length && char.IsAsciiDigit(f[i])) size = Math.Min((Math.Max(size, 0) * 10) + (f[i++] - '0'), MaxWidth);
        return size;
    }

    /// <summary>An explicit operand index such as <c>[2]</c>.</summary>
    private static void Position(string f, ref int i, int count, ref int next, ref bool reordered)
    {
        if (i >= f.Length || f[i] != '[') return;
        var close = f.IndexOf(']', i);
        if (close < 0 || !int.TryParse(f.AsSpan(i + 1, close - i - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var n)) return;
        reordered = true;
        next = n >= 1 && n <= count ? n - 1 : count;
        i = close + 1;
    }

    private static string Operand(Spec s, RegoValue value)
    {
        if (s.Verb == 't' && value.Kind == RegoKind.Boolean) return Pad(s, value.AsBoolean() ? "true" : "false");
        if (s.Verb == 'T') return Pad(s, GoType(value));
        if (s.Verb == 'v' && value is not NumberValue) return Pad(s, s.Sharp && value is StringValue q ? Quote(q.Text) : Cut(s, Plain(value)));
        if (value is NumberValue n && TryGo(n, out var integer, out var real))
        {
            if (integer is { } whole && Integer(s, whole) is { } i) return i;
            if (real is { } d && Real(s, d) is { } r) return r;
        }
        else
        {
            var text = Plain(value);
            switch (s.Verb)
            {
                case 's' or 'v': return Pad(s, Cut(s, text));
                case 'q': return Pad(s, Quote(Cut(s, text)));
                case 'x' or 'X':
                    var hex = Convert.ToHexString(Encoding.UTF8.GetBytes(Cut(s, text)));
                    return Pad(s, s.Verb == 'x' ? hex.ToLowerInvariant() : hex);
            }
        }

        return $"%!{s.Verb}({GoType(value)}={Plain(value)})";
    }

    private static bool TryGo(NumberValue n, out BigInteger? integer, out double? real)
    {
        real = null;
        integer = null;
        if (IsVast(n)) return false;
        integer = n.IsInteger ? n.Integer : null;
        if (integer is not null) return true;
        var d = n.ToDouble();
        if (double.IsInfinity(d)) return false;
        real = d;
        return true;
    }

    /// <summary>A number written with a large exponent that no double holds: it stays text.</summary>
    private static bool IsVast(NumberValue n) => n.Exponent > 20 && double.IsInfinity(n.ToDouble());

    private static string? Integer(Spec s, BigInteger value)
    {
        var magnitude = BigInteger.Abs(value);
        var (digits, prefix) = s.Verb switch
        {
            'd' or 'v' => (magnitude.ToString(CultureInfo.InvariantCulture), ""),
            's' when value > long.MaxValue || value < long.MinValue => (magnitude.ToString(CultureInfo.InvariantCulture), ""),
            'b' => (StringBuiltins.InBase(magnitude, 2), s.Sharp ? "0b" : ""),
            'o' => (StringBuiltins.InBase(magnitude, 8), s.Sharp ? "0" : ""),
            'O' => (StringBuiltins.InBase(magnitude, 8), "0o"),
            'x' => (StringBuiltins.InBase(magnitude, 16), s.Sharp ? "0x" : ""),
            'X' => (StringBuiltins.InBase(magnitude, 16).ToUpperInvariant(), s.Sharp ? "0X" : ""),
            'c' => (value >= 0 && value <= 0x10FFFF && Rune.IsValid((int)value) ? new Rune((int)value).ToString() : "\uFFFD", ""),
            'q' => (value >= 0 && value <= 0x10FFFF && Rune.IsValid((int)value) ? $"'{new Rune((int)value)}'" : "'\uFFFD'", ""),
            'U' => ("U+" + StringBuiltins.InBase(magnitude, 16).ToUpperInvariant().PadLeft(4, '0'), ""),
            _ => (null, ""),
        };
        if (digits is null) return null;
        if (s.Verb is 'c' or 'q' or 'U') return Pad(s with { Zero = false }, digits);
        if (s.Precision > digits.Length) digits = digits.PadLeft(s.Precision, '0');
        var sign = value.Sign < 0 ? "-" : s.Plus ? "+" : s.Space ? " " : "";
        if (s.Zero && s.Precision < 0) digits = digits.PadLeft(Math.Max(0, s.Width - sign.Length - prefix.Length), '0');
        return Pad(s with { Zero = false }, sign + prefix + digits);
    }

    private static string? Real(Spec s, double value)
    {
        var magnitude = Math.Abs(value);
        var digits = s.Verb switch
        {
            'e' or 'E' => GoFloat.Exponential(magnitude, s.Precision < 0 ? 6 : s.Precision, s.Verb),
            'f' or 'F' => magnitude.ToString("F" + (s.Precision < 0 ? 6 : s.Precision).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            'g' or 'G' or 'v' => GoFloat.General(magnitude, s.Precision, s.Verb == 'G' ? 'E' : 'e'),
            _ => null,
        };
        if (digits is null) return null;
        var sign = double.IsNegative(value) ? "-" : s.Plus ? "+" : s.Space ? " " : "";
        if (s.Zero) digits = digits.PadLeft(Math.Max(0, s.Width - sign.Length), '0');
        return Pad(s with { Zero = false }, sign + digits);
    }

    private static string Cut(Spec s, string text) => s.Precision < 0 ? text : text[..CodePoints.ToUnits(text, s.Precision)];

    private static string Pad(Spec s, string text)
    {
        var missing = s.Width - CodePoints.Count(text);
        if (missing <= 0) return text;
        return s.Left ? text + new string(' ', missing) : new string(s.Zero ? '0' : ' ', missing) + text;
    }

    private static string Plain(RegoValue value) => value switch
    {
        StringValue s => s.Text,
        NumberValue n when IsVast(n) => Scientific(n),
        _ => ValueText.Of(value),
    };

    private static string Scientific(NumberValue n)
    {
        var digits = BigInteger.Abs(n.Coefficient).ToString(CultureInfo.InvariantCulture);
        var mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
        return string.Create(CultureInfo.InvariantCulture, $"{(n.Sign < 0 ? "-" : "")}{mantissa}e{n.Exponent + digits.Length - 1}");
    }

    private static string Quote(string text)
    {
        var sb = new StringBuilder();
        JsonText.AppendQuoted(sb, text);
        return sb.ToString();
    }

    private static string GoType(RegoValue value) => value switch
    {
        NumberValue { IsSmall: true } => "int",
        NumberValue n when IsVast(n) => "string",
        NumberValue { IsInteger: true } => "*big.Int",
        NumberValue n => double.IsInfinity(n.ToDouble()) ? "string" : "float64",
        _ => "string",
    };
}

/// <summary>Doubles the way Go prints them.</summary>
internal static class GoFloat
{
    public static string Exponential(double value, int precision, char e)
    {
        var text = value.ToString($"{e}{precision}", CultureInfo.InvariantCulture);
        var at = text.IndexOf(e, StringComparison.Ordinal);
        var digits = text[(at + 2)..].TrimStart('0').PadLeft(2, '0');
        return text[..(at + 2)] + digits;
    }

    public static string General(double value, int precision, char e)
    {
        // The shortest digits by default, else that many significant ones.
        var text = precision < 0 ? value.ToString("E16", CultureInfo.InvariantCulture) : value.ToString($"E{Math.Max(0, precision - 1)}", CultureInfo.InvariantCulture);
        if (precision < 0)
        {
            var shortest = value.ToString("R", CultureInfo.InvariantCulture);
            text = Normal(shortest);
        }

        var split = text.IndexOf('E', StringComparison.Ordinal);
        var exponent = int.Parse(text.AsSpan(split + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var digits = text[..split].Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        if (digits.Length == 0) digits = "0";
        var limit = precision < 0 ? 6 : Math.Max(precision, 1);
        if (precision > digits.Length && digits.Length > exponent) limit = digits.Length;
        if (exponent < -4 || exponent >= limit)
        {
            var sign = exponent < 0 ? '-' : '+';
            var mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
            return string.Create(CultureInfo.InvariantCulture, $"{mantissa}{e}{sign}{Math.Abs(exponent):00}");
        }

        if (exponent < 0) return "0." + new string('0', -exponent - 1) + digits;
        if (digits.Length <= exponent + 1) return digits.PadRight(exponent + 1, '0');
        return digits[..(exponent + 1)] + "." + digits[(exponent + 1)..];
    }

    /// <summary>Round-trip text as d.dddE±x.</summary>
    private static string Normal(string text)
    {
        var exponent = 0;
        var e = text.IndexOf('E', StringComparison.Ordinal);
        if (e >= 0)
        {
            exponent = int.Parse(text.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            text = text[..e];
        }

        var point = text.IndexOf('.', StringComparison.Ordinal);
        var whole = point < 0 ? text : text[..point];
        var digits = point < 0 ? text : text.Remove(point, 1);
        var lead = digits.Length - digits.TrimStart('0').Length;
        if (lead == digits.Length) return "0E0";
        exponent += whole.Length - 1 - lead;
        digits = digits[lead..];
        return string.Create(CultureInfo.InvariantCulture, $"{digits[0]}.{digits[1..]}E{exponent}");
    }
}
