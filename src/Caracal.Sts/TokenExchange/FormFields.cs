using System.Buffers;
using System.Text;

namespace Caracal.Sts.TokenExchange;

/// <summary>
/// An <c>application/x-www-form-urlencoded</c> body, read strictly from its bytes (sts.md 2.1 step 2): a bad escape, a raw
/// <c>;</c>, text that is no UTF-8 or more than 512 fields make the whole form unreadable.
/// </summary>
internal sealed class FormFields
{
    // Each field is compared with those before it, and whoever sends the form has proved nothing yet: sixteen thousand names
    // fit into 64 KiB, and would take as long as a thousand ordinary requests.
    private const int MostFields = 512;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<KeyValuePair<string, string>> _fields = new(16);

    /// <summary>The name of the first field, other than <c>resource</c>, that was given twice; null when none was.</summary>
    public string? Duplicate { get; private set; }

    /// <summary>Null when the body cannot be read.</summary>
    public static FormFields? TryParse(ReadOnlySpan<byte> body)
    {
        if (body.Contains((byte)';'))
        {
            return null;
        }

        var form = new FormFields();
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(1, body.Length));
        try
        {
            foreach (var range in body.Split((byte)'&'))
            {
                var pair = body[range];
                if (pair.IsEmpty)
                {
                    continue;
                }

                var equals = pair.IndexOf((byte)'=');
                var name = Decode(equals < 0 ? pair : pair[..equals], buffer);
                var value = equals < 0 ? "" : Decode(pair[(equals + 1)..], buffer);
                if (name is null || value is null || form._fields.Count == MostFields)
                {
                    return null;
                }

                form.Add(name, value);
            }

            return form;
        }
        finally
        {
            // The body may hold a client secret; the pool must not pass it on.
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    /// <summary>The field's value; null when absent.</summary>
    public string? Find(string name)
    {
        foreach (var (key, value) in _fields)
        {
            if (string.Equals(key, name, StringComparison.Ordinal))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Every value of a repeatable field, in order.</summary>
    public IEnumerable<string> All(string name)
    {
        foreach (var (key, value) in _fields)
        {
            if (string.Equals(key, name, StringComparison.Ordinal))
            {
                yield return value;
            }
        }
    }

    private void Add(string name, string value)
    {
        if (Duplicate is null && name != "resource" && Find(name) is not null)
        {
            Duplicate = name;
        }

        _fields.Add(new(name, value));
    }

    private static string? Decode(ReadOnlySpan<byte> encoded, byte[] buffer)
    {
        var length = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            var b = encoded[i];
            if (b == '%')
            {
                if (i + 2 >= encoded.Length || Hex(encoded[i + 1]) is not (>= 0 and var high) || Hex(encoded[i + 2]) is not (>= 0 and var low))
                {
                    return null;
                }

                buffer[length++] = (byte)((high << 4) | low);
                i += 2;
            }
            else
            {
                buffer[length++] = b == '+' ? (byte)' ' : b;
            }
        }

        try
        {
            return Strict.GetString(buffer, 0, length);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static int Hex(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };
}
