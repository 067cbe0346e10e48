using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Caracal.EndToEnd.Tracing;

/// <summary>A span as a collector reads it.</summary>
internal sealed record ReceivedSpan(
    string Service, string TraceId, string SpanId, string ParentId, string Name, int Kind, IReadOnlyDictionary<string, string> Attributes)
{
    public const int Internal = 1;
    public const int Server = 2;
    public const int Client = 3;
}

/// <summary>Reads an OTLP <c>ExportTraceServiceRequest</c>: field numbers and wire types are those of opentelemetry-proto 1.</summary>
internal static class OtlpSpans
{
    public static IEnumerable<ReceivedSpan> Read(ReadOnlyMemory<byte> request)
    {
        foreach (var resourceSpans in Messages(request, 1))
        {
            var resource = Messages(resourceSpans, 1).SelectMany(resource => Attributes(resource, 1)).ToDictionary(StringComparer.Ordinal);
            foreach (var span in Messages(resourceSpans, 2).SelectMany(scope => Messages(scope, 2)))
            {
                var fields = Fields(span).ToLookup(field => field.Number);
                yield return new ReceivedSpan(
                    resource["service.name"], Hex(1), Hex(2), Hex(4), Encoding.UTF8.GetString(fields[5].Single().Bytes.Span), (int)fields[6].Single().Value,
                    Attributes(span, 9).ToDictionary(StringComparer.Ordinal));

                string Hex(int number) => fields[number].Any() ? Convert.ToHexStringLower(fields[number].Single().Bytes.Span) : "";
            }
        }
    }

    private static IEnumerable<KeyValuePair<string, string>> Attributes(ReadOnlyMemory<byte> message, int number)
    {
        foreach (var pair in Messages(message, number))
        {
            var value = Fields(Messages(pair, 2).Single()).Single();
            yield return KeyValuePair.Create(
                Encoding.UTF8.GetString(Messages(pair, 1).Single().Span),
                value.Number == 1 ? Encoding.UTF8.GetString(value.Bytes.Span) : value.Value.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Messages(ReadOnlyMemory<byte> message, int number) =>
        Fields(message).Where(field => field.Number == number).Select(field => field.Bytes);

    private static List<(int Number, ulong Value, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        var fields = new List<(int, ulong, ReadOnlyMemory<byte>)>();
        for (var at = 0; at < message.Length;)
        {
            var tag = Varint(message.Span, ref at);
            var number = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    fields.Add((number, Varint(message.Span, ref at), default));
                    break;
                case 1:
                    fields.Add((number, BinaryPrimitives.ReadUInt64LittleEndian(message.Span[at..]), default));
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message.Span, ref at);
                    fields.Add((number, 0, message.Slice(at, length)));
                    at += length;
                    break;
                case 5:
                    fields.Add((number, BinaryPrimitives.ReadUInt32LittleEndian(message.Span[at..]), default));
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"wire type {tag & 7}");
            }
        }

        return fields;
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = bytes[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }
}
