namespace Caracal.Rego.Builtins;

/// <summary>
/// A text to look for. The library's search is fastest for what policies really ask, and quadratic for texts made to be slow;
/// where that could matter the Knuth-Morris-Pratt search takes over, which is linear for every text.
/// </summary>
internal readonly struct Needle
{
    private const long MostQuadratic = 1 << 24;

    private readonly string _text;
    private readonly string _part;
    private readonly int[]? _borders;

    /// <summary>Prepares to look for a part, which is not empty, in a text.</summary>
    public Needle(string text, string part)
    {
        _text = text;
        _part = part;
        if ((long)text.Length * part.Length > MostQuadratic && part.Length <= text.Length) _borders = Borders(part);
    }

    /// <summary>Where the part next stands, from a position on; negative when it does not.</summary>
    public int Next(int from)
    {
        if (_borders is null) return _text.IndexOf(_part, from, StringComparison.Ordinal);
        var matched = 0;
        for (var i = from; i < _text.Length; i++)
        {
            while (matched > 0 && _text[i] != _part[matched]) matched = _borders[matched - 1];
            if (_text[i] == _part[matched]) matched++;
            if (matched == _part.Length) return i - matched + 1;
        }

        return -1;
    }

    /// <summary>How often the part stands in the text, counted without overlaps.</summary>
    public int Count()
    {
        var count = 0;
        for (var at = Next(0); at >= 0; at = Next(at + _part.Length)) count++;
        return count;
    }

    /// <summary>For each prefix: the length of its longest proper prefix that is also its suffix.</summary>
    private static int[] Borders(string part)
    {
        var borders = new int[part.Length];
        var length = 0;
        for (var i = 1; i < part.Length; i++)
        {
            while (length > 0 && part[i] != part[length]) length = borders[length - 1];
            if (part[i] == part[length]) length++;
            borders[i] = length;
        }

        return borders;
    }
}
