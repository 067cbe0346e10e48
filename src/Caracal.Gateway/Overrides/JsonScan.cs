using System.Buffers;

namespace Caracal.Gateway.Overrides;

/// <summary>
/// The members of a JSON object, of the outermost one only: what frameworks read in place of form fields. What only a loose
/// reader takes for JSON (comments, other quotes, names without any, UTF-16) is not read here, and so does not pass.
/// </summary>
internal sealed class JsonScan(string method) : BodyScan(method)
{
    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{}[]/'#\0"u8);

    private FieldName _name;
    private int _depth;
    private bool _nameIsNext;
    private bool _inString;
    private bool _inName;
    private bool _matters;
    private bool _inValue;
    private bool _escaped;
    private int _digitsLeft;
    private int _character;
    private bool _isDone;

    public override bool Passes(ReadOnlySpan<byte> bytes)
    {
        for (; !bytes.IsEmpty && !_isDone; bytes = bytes[1..])
        {
            var next = NextThatMatters(bytes);
            if (next < 0)
            {
                return true;
            }

            bytes = bytes[next..];
            if (!(_inString ? TakeInString(bytes[0]) : Take(bytes[0])))
            {
                return false;
            }
        }

        return true;
    }

    public override bool EndsWell() => !_matters;

    private int NextThatMatters(ReadOnlySpan<byte> bytes)
    {
        if (_inString)
        {
            return _escaped || _digitsLeft > 0 || _inName || _inValue ? 0 : bytes.IndexOfAny((byte)'"', (byte)'\\');
        }

        return _depth > 1 ? bytes.IndexOfAny(Structure) : 0;
    }

    private bool Take(byte next)
    {
        switch (next)
        {
            case (byte)'"':
                (_inString, _inName, _inValue) = (true, _depth == 1 && _nameIsNext, _depth == 1 && _matters);
                _name.Clear();
                BeginValue();
                return true;
            case (byte)'{' or (byte)'[':
                _isDone = _depth == 0 && next == '[';
                _nameIsNext = ++_depth == 1;
                return !_matters;
            case (byte)'}' or (byte)']':
                _isDone = --_depth <= 0;
                return !_matters;
            case (byte)',' when _depth == 1:
                _nameIsNext = true;
                return !_matters;
            case (byte)':' or (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                return true;
            case (byte)'/' or (byte)'\'' or (byte)'#' or 0:
                return false;
            case 0xFE or 0xFF when _depth == 0:
                return false; // UTF-16 begins so
            default:
                _isDone = _depth == 0 && next is not (0xEF or 0xBB or 0xBF); // no object; a byte order mark is nothing yet
                return !_matters && !(_depth == 1 && _nameIsNext);
        }
    }

    private bool TakeInString(byte next)
    {
        if (_digitsLeft > 0)
        {
            _character = (_character << 4) | (char.IsAsciiHexDigit((char)next) ? FromHex(next) : 0);
            return --_digitsLeft > 0 || Put(_character < 0x80 ? (byte)_character : (byte)0xFF);
        }

        if (_escaped)
        {
            _escaped = false;
            (_digitsLeft, _character) = (next == 'u' ? 4 : 0, 0);
            return next == 'u' || Put(next is (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t' ? (byte)' ' : next);
        }

        switch (next)
        {
            case (byte)'\\':
                _escaped = true;
                return true;
            case (byte)'"':
                return EndString();
            default:
                return Put(next);
        }
    }

    private bool EndString()
    {
        _inString = false;
        if (_inName)
        {
            _matters = _name.NamesAMethod();
            _nameIsNext = false;
            return true;
        }

        var well = !_inValue || IsWhole;
        _matters = _matters && !_inValue;
        return well;
    }

    private bool Put(byte decoded)
    {
        if (_inName)
        {
            _name.Add(decoded);
            return true;
        }

        return !_inValue || Continues(decoded);
    }
}
