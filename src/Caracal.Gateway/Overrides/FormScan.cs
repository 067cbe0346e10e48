namespace Caracal.Gateway.Overrides;

/// <summary>A query or an urlencoded form. <c>;</c> separates as <c>&amp;</c> does: some upstreams still read it so.</summary>
internal sealed class FormScan(string method) : BodyScan(method)
{
    private FieldName _name;
    private bool _inValue;
    private bool _matters;

    // What has come of an escape.
    private readonly byte[] _escape = new byte[6];
    private int _taken;

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
        if (_taken == 0 && next != '%')
        {
            return Put(next == '+' ? (byte)' ' : next);
        }

        if (_taken > 0 && !char.IsAsciiHexDigit((char)next) && !(_taken == 1 && next == 'u'))
        {
            return EndEscape() && Decode(next);
        }

        _escape[_taken++] = next;
        return _taken < (_escape[1] == 'u' ? 6 : 3) || PutEscaped();
    }

    // "%5F", and "%u005F" as ASP.NET's old decoder reads it.
    private bool PutEscaped()
    {
        var isWide = _taken > 3;
        _taken = 0;
        return Put(!isWide ? FromHex(_escape[1], _escape[2]) : FromHex(_escape[2], _escape[3]) == 0 ? FromHex(_escape[4], _escape[5]) : (byte)0xFF);
    }

    // An escape that is none stands for itself.
    private bool EndEscape()
    {
        var taken = _taken;
        _taken = 0;
        for (var i = 0; i < taken; i++)
        {
            if (!Put(_escape[i]))
            {
                return false;
            }
        }

        return true;
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
