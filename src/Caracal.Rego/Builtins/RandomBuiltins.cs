using System.Globalization;
using System.Security.Cryptography;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Random numbers and UUIDs; the same operands give the same value throughout one evaluation.</summary>
internal static class RandomBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add(new Builtin("rand.intn", ["string", "number"], Number) { Varies = true });
        all.Add(new Builtin("uuid.rfc4122", ["string"], Uuid) { Varies = true });
        all.Add("uuid.parse", ["string"], Parse);
    }

    /// <summary>Bytes that depend on the evaluation's seed and the given text alone.</summary>
    private static byte[] Draw(EvalContext ctx, string purpose, string key) =>
        SHA256.HashData(Encodings.Bytes(string.Create(CultureInfo.InvariantCulture, $"{ctx.Options.Seed ?? 0}\n{purpose}\n{key}")));

    private static RegoValue? Number(in BuiltinCall c)
    {
        if (!c.Number(1).TryGetInt64(out var n)) return c.WrongOperand(1, "integer number", "floating-point number");
        if (n == 0) return NumberValue.From(0);
        var limit = (ulong)(n < 0 ? -(Int128)n : n);
        var drawn = BitConverter.ToUInt64(Draw(c.Context, "number", string.Create(CultureInfo.InvariantCulture, $"{n}\n{c.Text(0)}")));
        return NumberValue.From((long)(drawn % limit));
    }

    private static RegoValue Uuid(in BuiltinCall c)
    {
        var bytes = Draw(c.Context, "uuid", c.Text(0))[..16];
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return RegoValue.String(new Guid(bytes, bigEndian: true).ToString("D"));
    }

    private static RegoValue? Parse(in BuiltinCall c)
    {
        var text = c.Text(0);
        if (text.StartsWith("urn:uuid:", StringComparison.OrdinalIgnoreCase)) text = text[9..];
        else if (text.StartsWith('{') && text.EndsWith('}')) text = text[1..^1];
        if (!Guid.TryParseExact(text, text.Length == 32 ? "N" : "D", out var guid)) return c.Fail("invalid UUID format");
        var bytes = guid.ToByteArray(bigEndian: true);
        var version = bytes[6] >> 4;
        var result = new RegoObjectBuilder()
            .Add("version", RegoValue.Number(version))
            .Add("variant", (bytes[8] >> 5) switch { 7 => "Future", 6 => "Microsoft", 4 or 5 => "RFC4122", _ => "Reserved" });
        if (version is not (1 or 2)) return result.Build();

        var time = ((long)(bytes[6] & 0x0F) << 56) | ((long)bytes[7] << 48) | ((long)bytes[4] << 40) | ((long)bytes[5] << 32)
            | ((long)bytes[0] << 24) | ((long)bytes[1] << 16) | ((long)bytes[2] << 8) | bytes[3];
        const long GregorianStart = 122_192_928_000_000_000; // 1582-10-15 to 1970-01-01 in units of 100 ns
        result.Add("time", NumberValue.From((System.Numerics.BigInteger)(time - GregorianStart) * 100))
            .Add("clocksequence", RegoValue.Number(((bytes[8] & 0x3F) << 8) | bytes[9]))
            .Add("nodeid", string.Join('-', bytes[10..].Select(b => b.ToString("x2", CultureInfo.InvariantCulture))))
            .Add("macvariables", ((bytes[10] & 2) != 0 ? "local" : "global") + ((bytes[10] & 1) != 0 ? ":multicast" : ":unicast"));
        if (version == 2)
        {
            result.Add("id", RegoValue.Number(((long)bytes[0] << 24) | ((long)bytes[1] << 16) | ((long)bytes[2] << 8) | bytes[3]))
                .Add("domain", bytes[9] switch { 0 => "Person", 1 => "Group", 2 => "Org", var d => string.Create(CultureInfo.InvariantCulture, $"Domain{d}") });
        }

        return result.Build();
    }
}
