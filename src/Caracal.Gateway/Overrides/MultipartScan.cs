using System.Buffers;

namespace Caracal.Gateway.Overrides;

/// <summary>
/// The parts of a multipart form. Only what stands in the headers of a part names it: a file may hold any text. Whatever a
/// reader could take for a delimiter or the end of a line is taken for one. What no sender of forms writes, and readers
/// understand in different ways, does not pass: text outside of the parts (PHP finds a delimiter in the middle of a line that
/// is longer than its buffer), a header on several lines or without a colon (PHP joins them without a space), encoded words.
/// </summary>
/// <param name="boundary">Without its two hyphens.</param>
/// <param name="method">The authorised one.</param>
internal sealed class MultipartScan(string boundary, string method) : BodyScan(method)
{
    private const int LongestLine = 8192;
    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);
    private static readonly SearchValues<byte> Separators = SearchValues.Create(" \t;:='\"\\,"u8);
    private static readonly SearchValues<byte> SeparatorsButEscapes = SearchValues.Create(" \t;:='\","u8);

    private readonly byte[] _delimiter = System.Text.Encoding.Latin1.GetBytes("--" + boundary);
    private readonly byte[] _line = new byte[LongestLine];
    private int _length;
    private bool _afterReturn;
    private State _state;
    private bool _matters;

    private enum State
    {
        Outside,
        Content,
        Headers,
        Value,
        AfterValue,
    }

    public override bool Passes(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_afterReturn && bytes[0] == '\n')
            {
                bytes = bytes[1..];
            }

            _afterReturn = false;
            var end = bytes.IndexOfAny(LineEnds);
            if (!Keep(end < 0 ? bytes : bytes[..end]))
            {
                return false;
            }

            if (end < 0)
            {
                return true;
            }

            _afterReturn = bytes[end] == '\r';
            bytes = bytes[(end + 1)..];
            if (!EndLine())
            {
                return false;
            }
        }

        return true;
    }

    public override bool EndsWell() => EndLine() && _state is State.Content or State.Outside;

    // Of content, the beginning of a line is enough to know a delimiter; a header that does not fit cannot be read. A value is
    // judged as far as it has come: a program that is run by what it has of a broken body must not have got another method.
    private bool Keep(ReadOnlySpan<byte> more)
    {
        var isText = _state is State.Content or State.Outside;
        var bound = isText ? _delimiter.Length + 2 : LongestLine;
        var room = Math.Min(more.Length, Math.Max(bound - _length, 0));
        more[..room].CopyTo(_line.AsSpan(_length));
        _length += room;
        return isText || (room == more.Length && (_state != State.Value || BeginsTheMethod(_line.AsSpan(0, _length))));
    }

    private bool EndLine()
    {
        var line = _line.AsSpan(0, _length);
        _length = 0;
        if (line.StartsWith(_delimiter))
        {
            var well = _state is State.Outside or State.Content or State.AfterValue;
            _state = line[_delimiter.Length..].StartsWith("--"u8) ? State.Outside : State.Headers;
            _matters = false;
            return well;
        }

        switch (_state)
        {
            case State.Headers when line.IsEmpty:
                _state = _matters ? State.Value : State.Content;
                return true;
            case State.Headers:
                _matters |= NamesAMethod(line, Separators) || NamesAMethod(line, SeparatorsButEscapes);
                return IsPlainHeader(line);
            case State.Value:
                _state = State.AfterValue;
                return BeginsTheMethod(line) && IsWhole;
            case State.Outside:
                return line.IsEmpty;
            default:
                return _state == State.Content;
        }
    }

    private bool BeginsTheMethod(ReadOnlySpan<byte> line)
    {
        BeginValue();
        foreach (var next in line)
        {
            if (!Continues(next))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsPlainHeader(ReadOnlySpan<byte> line)
    {
        if (line[0] is (byte)' ' or (byte)'\t' || !line.Contains((byte)':') || line.IndexOf("=?"u8) >= 0)
        {
            return false;
        }

        foreach (var next in line)
        {
            if (next < ' ' && next != '\t')
            {
                return false;
            }
        }

        return true;
    }

    // Every word of the header, so that no way of quoting or escaping hides the name.
    private static bool NamesAMethod(ReadOnlySpan<byte> header, SearchValues<byte> separators)
    {
        foreach (var range in header.SplitAny(separators))
        {
            var scan = new FieldName();
            AddDecoded(ref scan, header[range]);
            if (scan.NamesAMethod() || IsPieceOfAName(header[range]))
            {
                return true;
            }
        }

        return false;
    }

    // "name*0", of a name in pieces (RFC 2231), is taken for one that matters: it must not hide what it is put together to.
    private static bool IsPieceOfAName(ReadOnlySpan<byte> word) =>
        word.Length > 5 && System.Text.Ascii.EqualsIgnoreCase(word[..5], "name*"u8) && char.IsAsciiDigit((char)word[5]);

    private static void AddDecoded(ref FieldName name, ReadOnlySpan<byte> word)
    {
        for (var i = 0; i < word.Length; i++)
        {
            var escaped = word[i] == '%' && i + 2 < word.Length && char.IsAsciiHexDigit((char)word[i + 1]) && char.IsAsciiHexDigit((char)word[i + 2]);
            if (escaped || word[i] != '\\') // Rack takes whatever follows one for itself
            {
                name.Add(escaped ? FromHex(word[i + 1], word[i + 2]) : word[i]);
            }

            i += escaped ? 2 : 0;
        }
    }
}
