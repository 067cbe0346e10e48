namespace Caracal.Gateway.Overrides;

/// <summary>A query or an urlencoded form. <c>;</c> separates as <c>&amp;</c> does: some upstreams still read it so.</summary>
internal sealed class FormScan(string method) : BodyScan(method)
{
    private FieldName _name;
    private bool _inValue;
    private bool _matters;

    // Of an escape: 0 none, 1 after "%", 2 after its first digit.
    private int _escape;
    private byte _first;

    public override bool Passes(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_inValue && !_matters)
            {
                var end = bytes.IndexOfAny((byte)'&', (byte)';');
                if (end < 0)
                {
                    return true;
                }

                bytes = bytes[end..];
            }

            if (!Take(bytes[0]))
            {
                return false;
            }

            bytes = bytes[1..];
        }

        return true;
    }

    public override bool EndsWell() => EndPair();

    private bool Take(byte next)
    {
        switch (next)
        {
            case (byte)'&' or (byte)';':
                return EndPair();
            case (byte)'=' when !_inValue:
                var whole = EndEscape();
                (_inValue, _matters) = (true, _name.NamesAMethod());
                BeginValue();
                return whole;
            default:
                return Decode(next);
        }
    }

    private bool EndPair()
    {
        var well = EndEscape() && (_inValue ? !_matters || IsWhole : !_name.NamesAMethod());
        _name.Clear();
        (_inValue, _matters) = (false, false);
        return well;
    }

    private bool Decode(byte next)
    {
        switch (_escape)
        {
            case 0 when next == '%':
                _escape = 1;
                return true;
            case 0:
                return Put(next == '+' ? (byte)' ' : next);
            case 1 when char.IsAsciiHexDigit((char)next):
                (_escape, _first) = (2, next);
                return true;
            case 2 when char.IsAsciiHexDigit((char)next):
                _escape = 0;
                return Put(FromHex(_first, next));
            default:
                return EndEscape() && Decode(next);
        }
    }

    // An escape that is none stands for itself.
    private bool EndEscape()
    {
        var escape = _escape;
        _escape = 0;
        return (escape < 1 || Put((byte)'%')) && (escape < 2 || Put(_first));
    }

    private bool Put(byte decoded)
    {
        if (!_inValue)
        {
            _name.Add(decoded);
            return true;
        }

        return !_matters || Continues(decoded);
    }
}
