namespace Caracal.Gateway.Overrides;

/// <summary>Looks through a body on its way upstream for a field that names another method than the authorised one.</summary>
/// <param name="method">The authorised one.</param>
internal abstract class BodyScan(string method)
{
    private int _matched;

    /// <summary>False when what has come so far names another method; then nothing of it may leave.</summary>
    public abstract bool Passes(ReadOnlySpan<byte> bytes);

    /// <summary>False when the body, now that it ends, has named another.</summary>
    public abstract bool EndsWell();

    /// <summary>A value begins that must be the authorised method.</summary>
    protected void BeginValue() => _matched = 0;

    /// <summary>False when the value has left the authorised method.</summary>
    protected bool Continues(byte next) => _matched < method.Length && (next | 0x20) == (method[_matched++] | 0x20);

    /// <summary>True when the value was the whole of it.</summary>
    protected bool IsWhole => _matched == method.Length;

    /// <summary>What two hexadecimal digits mean.</summary>
    protected static byte FromHex(byte high, byte low) => (byte)((FromHex(high) << 4) | FromHex(low));

    /// <summary>What one means.</summary>
    protected static int FromHex(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
