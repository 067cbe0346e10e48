using System.Text;

namespace Caracal.Authority.Policies;

/// <summary>A policy's source without its comments and strings, so that text rules see code only (api.md 9.1 steps 3 and 4).</summary>
/// <param name="Code">The source with every comment removed and every string replaced by one space.</param>
/// <param name="HasDataDirective">Some comment line starts with <c># caracal:data-document</c>; a trailing comment does not count.</param>
internal sealed record PolicyText(string Code, bool HasDataDirective)
{
    private const string DataDirective = "# caracal:data-document";

    /// <summary>Null when a string is never closed.</summary>
    public static PolicyText? Strip(string source)
    {
        var code = new StringBuilder(source.Length);
        var directive = false;
        var lineIsBlank = true;
        for (var i = 0; i < source.Length; i++)
        {
            var c = source[i];
            switch (c)
            {
                case '#':
                    directive |= lineIsBlank && source.AsSpan(i).StartsWith(DataDirective, StringComparison.Ordinal);
                    i = EndOfLine(source, i) - 1;
                    break;
                case '"' or '`':
                    i = EndOfString(source, i);
                    if (i < 0) return null;
                    code.Append(' ');
                    lineIsBlank = false;
                    break;
                default:
                    code.Append(c);
                    lineIsBlank = c == '\n' || (lineIsBlank && char.IsWhiteSpace(c));
                    break;
            }
        }

        return new PolicyText(code.ToString(), directive);
    }

    /// <summary>Whether every bracket closes in order.</summary>
    public bool IsBalanced()
    {
        var open = new Stack<char>();
        foreach (var c in Code)
        {
            switch (c)
            {
                case '(' or '[' or '{':
                    open.Push(c);
                    break;
                case ')' or ']' or '}':
                    if (!open.TryPop(out var opened) || opened != Opening(c)) return false;
                    break;
            }
        }

        return open.Count == 0;
    }

    private static char Opening(char closing) => closing switch
    {
        ')' => '(',
        ']' => '[',
        _ => '{',
    };

    private static int EndOfLine(string source, int from)
    {
        var end = source.IndexOf('\n', from);
        return end < 0 ? source.Length : end;
    }

    // The index of the closing quote; a quoted string ends before the line does, a raw one may span lines.
    private static int EndOfString(string source, int from)
    {
        if (source[from] == '`') return source.IndexOf('`', from + 1);
        for (var i = from + 1; i < source.Length && source[i] != '\n'; i++)
        {
            if (source[i] == '"') return i;
            if (source[i] == '\\') i++;
        }

        return -1;
    }
}
