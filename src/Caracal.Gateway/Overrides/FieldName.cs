using System.Runtime.CompilerServices;

namespace Caracal.Gateway.Overrides;

/// <summary>
/// The name of a query, form or JSON field, taken in byte by byte and read as the loosest upstream would: PHP drops leading
/// spaces and whatever follows a NUL, takes <c>.</c>, a space and a <c>[</c> that nothing closes for <c>_</c>, and <c>name[x]</c> for
/// <c>name</c>; Rack and qs take <c>[name]</c> for it, and Rack <c>]name</c> and <c>name]</c>. What any of these readings names counts.
/// </summary>
internal struct FieldName
{
    private const int Longest = 32;

    private static readonly string[] NamesOfAMethod =
        ["_method", "_httpmethod", "x_http_method_override", "x_http_method", "x_method_override", "x_tunneled_method"];

    private Characters _characters;
    private int _length;
    private int _bracket;
    private bool _opensWithOne;
    private bool _cut;

    public void Clear() => (_length, _bracket, _opensWithOne, _cut) = (0, 0, false, false);

    public void Add(byte next)
    {
        if (_cut || (_length == 0 && next is (byte)' ' or (>= 9 and <= 13)))
        {
            return;
        }

        if (next == 0)
        {
            _cut = true;
            return;
        }

        if (next is (byte)'[' or (byte)']')
        {
            if (_length == 0)
            {
                _opensWithOne = true;
                return;
            }

            if (_bracket == 0)
            {
                _bracket = _length;
            }
        }

        if (_length <= Longest)
        {
            _characters[_length++] = next is (byte)'.' or (byte)' ' or (byte)'[' or (byte)'-' ? (byte)'_' : next;
        }

        if (_length > Longest)
        {
            _cut = true; // longer than any that counts
        }
    }

    public void Add(ReadOnlySpan<byte> text)
    {
        foreach (var next in text)
        {
            Add(next);
        }
    }

    /// <summary>True for a field by which frameworks let a request be of another method.</summary>
    public readonly bool NamesAMethod() => IsKnown(_length, _opensWithOne) || (_bracket > 0 && IsKnown(_bracket, withUnderscore: false));

    private readonly bool IsKnown(int length, bool withUnderscore)
    {
        ReadOnlySpan<byte> name = ((ReadOnlySpan<byte>)_characters)[..length];
        foreach (var known in NamesOfAMethod)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(name, known) || (withUnderscore && known[0] == '_' && System.Text.Ascii.EqualsIgnoreCase(name, known.AsSpan(1))))
            {
                return true;
            }
        }

        return false;
    }

    [InlineArray(Longest + 1)]
    private struct Characters
    {
        private byte _first;
    }
}
