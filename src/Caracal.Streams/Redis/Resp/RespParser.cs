using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Caracal.Streams.Redis.Resp;

/// <summary>
/// Reads RESP3 replies from bytes that arrive in any pieces. What is complete is consumed and remembered, so a long reply
/// is read once however often it is interrupted. After an exception the parser and its connection are finished.
/// </summary>
internal sealed class RespParser
{
    private const int MaximumDepth = 32;
    private const int MaximumLine = 64 * 1024;
    private const int MaximumItems = 8 * 1024 * 1024;
    private const int MaximumBulk = 256 * 1024 * 1024;

    private readonly Frame[] _frames = new Frame[MaximumDepth];
    private int _depth;

    /// <summary>Takes the next complete reply off <paramref name="input"/>; false when more bytes are needed.</summary>
    public bool TryRead(ref ReadOnlySequence<byte> input, out RespValue value)
    {
        var reader = new SequenceReader<byte>(input);
        var complete = false;
        value = default;
        while (!complete && TryReadElement(ref reader, out value, out var opened))
        {
            complete = !opened && Fold(ref value);
        }

        input = input.Slice(reader.Position);
        return complete;
    }

    // Adds a finished element to the aggregate it belongs to; true when that finishes the whole reply.
    private bool Fold(ref RespValue value)
    {
        while (_depth > 0)
        {
            ref var frame = ref _frames[_depth - 1];
            frame.Add(value);
            if (!frame.IsFull)
            {
                return false;
            }

            var isAttribute = frame.IsAttribute;
            value = RespValue.OfItems(frame.Kind, frame.Take());
            _depth--;
            if (isAttribute)
            {
                // Attributes announce the element that follows and count as none.
                return false;
            }
        }

        return true;
    }

    private bool TryReadElement(ref SequenceReader<byte> reader, out RespValue value, out bool opened)
    {
        value = default;
        opened = false;
        var start = reader;
        if (!reader.TryReadTo(out ReadOnlySpan<byte> line, "\r\n"u8))
        {
            return reader.Remaining > MaximumLine ? throw Fault("an endless line") : false;
        }

        if (line.Length is 0 or > MaximumLine)
        {
            throw Fault(line.Length == 0 ? "an empty line" : "an endless line");
        }

        var rest = line[1..];
        switch (line[0])
        {
            case (byte)'+':
                value = RespValue.OfText(SimpleText(rest));
                return true;
            case (byte)':':
                value = RespValue.OfInteger(Number(rest));
                return true;
            case (byte)'-':
                value = RespValue.OfText(RespKind.Error, Encoding.UTF8.GetString(rest));
                return true;
            case (byte)',':
                value = RespValue.OfText(RespKind.Double, Encoding.UTF8.GetString(rest));
                return true;
            case (byte)'(':
                value = RespValue.OfText(RespKind.BigNumber, Encoding.UTF8.GetString(rest));
                return true;
            case (byte)'#':
                value = RespValue.OfBoolean(Boolean(rest));
                return true;
            case (byte)'_':
                return rest.Length == 0 ? true : throw Fault("a null with content");
            case (byte)'$':
            case (byte)'=':
            case (byte)'!':
                if (TryReadBulk(ref reader, line[0], Number(rest), out value))
                {
                    return true;
                }

                reader = start;
                return false;
            default:
                opened = Open(line[0], Number(rest), out value);
                return true;
        }
    }

    private static bool TryReadBulk(ref SequenceReader<byte> reader, byte type, long length, out RespValue value)
    {
        value = default;
        if (length == -1 && type == '$')
        {
            return true;
        }

        if (length is < 0 or > MaximumBulk)
        {
            throw Fault("a text of impossible length");
        }

        if (reader.Remaining < length + 2)
        {
            return false;
        }

        var text = Encoding.UTF8.GetString(reader.UnreadSequence.Slice(0, length));
        reader.Advance(length);
        if (!reader.IsNext("\r\n"u8, advancePast: true))
        {
            throw Fault("a text longer than it says");
        }

        value = type switch
        {
            (byte)'=' when text.Length < 4 || text[3] != ':' => throw Fault("a verbatim text without its format"),
            (byte)'=' => RespValue.OfText(text[4..]),
            (byte)'!' => RespValue.OfText(RespKind.Error, text),
            _ => RespValue.OfText(text),
        };
        return true;
    }

    // True when members follow; false when the aggregate is already a value (empty, or a null array).
    private bool Open(byte type, long count, out RespValue value)
    {
        var kind = type switch
        {
            (byte)'*' => RespKind.Array,
            (byte)'~' => RespKind.Set,
            (byte)'%' or (byte)'|' => RespKind.Map,
            (byte)'>' => RespKind.Push,
            _ => throw Fault("an unknown type"),
        };
        value = default;
        if (count == -1 && type == '*')
        {
            return false;
        }

        if (count is < 0 or > MaximumItems)
        {
            throw Fault("an impossible number of members");
        }

        var members = (int)count * (kind == RespKind.Map ? 2 : 1);
        if (members == 0)
        {
            value = RespValue.OfItems(kind, []);
            return type == '|';
        }

        if (_depth == MaximumDepth)
        {
            throw Fault("nested too deeply");
        }

        _frames[_depth++] = new Frame(kind, members, type == '|');
        return true;
    }

    private static string SimpleText(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("OK"u8) ? "OK" : text.SequenceEqual("PONG"u8) ? "PONG" : Encoding.UTF8.GetString(text);

    private static long Number(ReadOnlySpan<byte> text) =>
        Utf8Parser.TryParse(text, out long number, out var used) && used == text.Length
            ? number
            : throw Fault("a number that is none");

    private static bool Boolean(ReadOnlySpan<byte> text) =>
        text.SequenceEqual("t"u8) || (text.SequenceEqual("f"u8) ? false : throw Fault("a boolean that is none"));

    private static RespProtocolException Fault(string what) => new($"The server sent {what}.");

    // Room for members grows with what arrives, not with what is announced: an announcement costs the sender nothing.
    private struct Frame(RespKind kind, int count, bool isAttribute)
    {
        private RespValue[] _items = new RespValue[Math.Min(count, 256)];
        private int _filled;

        public readonly RespKind Kind => kind;

        public readonly bool IsAttribute => isAttribute;

        public readonly bool IsFull => _filled == count;

        public void Add(RespValue value)
        {
            if (_filled == _items.Length)
            {
                Array.Resize(ref _items, (int)Math.Min(count, _items.Length * 4L));
            }

            _items[_filled++] = value;
        }

        public RespValue[] Take()
        {
            var items = _items;
            _items = [];
            return items;
        }
    }
}
