using System.Runtime.CompilerServices;

namespace Caracal.Gateway.Overrides;

/// <summary>
/// The name of a query, form or JSON field, taken in byte by byte and read as the loosest upstream would: PHP drops leading
/// spaces and whatever follows a NUL, takes <c>.</c>, a space and a first <c>[</c> for <c>_</c>, and <c>name[x]</c> for <c>name</c>.
/// </summary>
internal struct FieldName
{
    private const int Longest = 32;

    private static readonly string[] NamesOfAMethod =
        ["_method", "_httpmethod", "x_http_method_override", "x_http_method", "x_method_override"];

    private Characters _characters;
    private int _length;
    private bool _cut;

    public void Clear() => (_length, _cut) = (0, false);

    public void Add(byte next)
    {
        if (_cut || (_length == 0 && next is (byte)' ' or (>= 9 and <= 13)))
        {
            return;
        }

        if (next == 0 || (next == '[' && _length > 0))
        {
            _cut = true;
        }
        else if (_length <= Longest)
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
    public readonly bool NamesAMethod()
    {
        ReadOnlySpan<byte> name = ((ReadOnlySpan<byte>)_characters)[..Math.Min(_length, Longest)];
        foreach (var known in NamesOfAMethod)
        {
            if (_length == known.Length && System.Text.Ascii.EqualsIgnoreCase(name, known))
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
