using System.Buffers;
using System.Text;

namespace Caracal.Protocol.Streams;

/// <summary>The bytes that a stream message's <c>_sig</c> covers (streams.md 4, gateway.md A7).</summary>
public static class StreamCanonicalForm
{
    /// <summary>The field that holds the signature and is not covered by it.</summary>
    public const string SignatureField = "_sig";

    /// <summary>Topic, then every other field as <c>name=value</c>, by name in byte order, each line ended by LF.</summary>
    public static void Write(
        IBufferWriter<byte> target, string topic, IReadOnlyCollection<KeyValuePair<string, string>> fields)
    {
        var ordered = ArrayPool<KeyValuePair<string, string>>.Shared.Rent(fields.Count);
        var count = 0;
        foreach (var field in fields)
        {
            if (field.Key != SignatureField && field.Value is not null)
            {
                ordered[count++] = field;
            }
        }

        ordered.AsSpan(0, count).Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        Encoding.UTF8.GetBytes(topic, target);
        target.Write("\n"u8);
        foreach (var (name, value) in ordered.AsSpan(0, count))
        {
            Encoding.UTF8.GetBytes(name, target);
            target.Write("="u8);
            Encoding.UTF8.GetBytes(value, target);
            target.Write("\n"u8);
        }

        ArrayPool<KeyValuePair<string, string>>.Shared.Return(ordered, clearArray: true);
    }

    /// <summary>True for a field that could be read as another one: values are not escaped, so none may end its line.</summary>
    public static bool IsAmbiguous(string name, string? value) =>
        name.AsSpan().IndexOfAny('=', '\n') >= 0 || (value is not null && value.Contains('\n', StringComparison.Ordinal));
}
