using Caracal.Rego.Syntax;

namespace Caracal.Rego.Formatting;

/// <summary>What stands in brackets: bodies, comprehensions, lists, keys.</summary>
internal sealed partial class ModuleWriter
{
    private void Group(int open)
    {
        if (_at.Is(open, TokenRoles.Body)) Body(open);
        else if (_at.Is(open, TokenRoles.Comprehension)) Comprehension(open);
        else if (_at.Is(open, TokenRoles.Index) || (_at.Is(open, "(") && !_at.Is(open, TokenRoles.Operands))) Enclosed(open);
        else List(open);
    }

    /// <summary>A key or a parenthesis: as tight as its content allows.</summary>
    private void Enclosed(int open)
    {
        var (close, indent) = (_at.CloseOf(open), _page.Indent);
        _page.Write(_at.Text(open));
        for (var i = open + 1; i < close; i++)
        {
            Gap(i, indent);
            if (!_at.Opens(i))
            {
                _page.Write(_at.Text(i));
                continue;
            }

            Group(i);
            i = _at.CloseOf(i);
        }

        Gap(close, indent);
        _page.Write(_at.Text(close));
    }

    private void Body(int open)
    {
        var close = _at.CloseOf(open);
        var literals = Direct(open, TokenRoles.Literal);
        // Only the body of an `every` may stay on its line.
        if (_at.Is(open, TokenRoles.Every) && literals.Count == 1 && !Breaks(open))
        {
            _page.Write("{ ");
            Line(literals[0], TrimSeparators(literals[0], close));
            _page.Write(" }");
            return;
        }

        var indent = _page.Indent;
        _page.Write("{");
        Statements(open, literals, close, indent + 1);
        Close(close, indent);
    }

    private void Comprehension(int open)
    {
        var close = _at.CloseOf(open);
        var bar = Direct(open, TokenRoles.Bar)[0];
        var literals = Direct(open, TokenRoles.Literal);
        var indent = _page.Indent;
        var broken = Breaks(open);
        _page.Write(_at.Text(open));
        for (var i = open + 1; i < bar; i++)
        {
            Gap(i, indent);
            if (!_at.Opens(i))
            {
                _page.Write(_at.Text(i));
                continue;
            }

            Group(i);
            i = _at.CloseOf(i);
        }

        Gap(bar, indent);
        _page.Write("|");
        if (broken)
        {
            Statements(bar, literals, close, indent + 1);
            Close(close, indent);
            return;
        }

        for (var n = 0; n < literals.Count; n++)
        {
            _page.Write(n == 0 ? " " : "; ");
            Line(literals[n], TrimSeparators(literals[n], n + 1 < literals.Count ? literals[n + 1] : close));
        }

        _page.Write(_at.Text(close));
    }

    /// <summary>Statements on lines of their own.</summary>
    private void Statements(int open, List<int> literals, int close, int indent)
    {
        for (var i = open + 1; i < literals[0]; i++) Remarks(i, indent);
        for (var n = 0; n < literals.Count; n++)
        {
            var literal = literals[n];
            var end = n + 1 < literals.Count ? literals[n + 1] : close;
            Start(literal, indent, isFirst: n == 0);
            Line(literal, TrimSeparators(literal, end));
            // A minus at the start of a line goes on with the line above, unless that line is closed.
            if (end < close && _at.Is(end, TokenRoles.Negative)) _page.Write(";");
            for (var i = TrimSeparators(literal, end); i < end; i++) Remarks(i, indent);
        }
    }

    private void List(int open)
    {
        var (close, indent) = (_at.CloseOf(open), _page.Indent);
        var commas = Enumerable.Range(open + 1, close - open - 1).Where(i => _at.Around(i) == open && _at.Is(i, ",")).ToList();
        var broken = Breaks(open);
        _page.Write(_at.Text(open));
        var from = open + 1;
        foreach (var end in commas.Append(close))
        {
            if (from == end) break;
            if (broken) Start(from, indent + 1, isFirst: from == open + 1);
            else if (from > open + 1) _page.Write(" ");
            Line(from, end);
            if (broken || end != close)
            {
                // The last comma of a list on one line goes, unless it alone tells the list from a comprehension.
                if (broken || end != commas[^1] || end + 1 != close || HasBar(open, close)) _page.Write(",");
            }

            if (end != close) Remarks(end, indent + 1);
            from = end + 1;
        }

        if (broken) Close(close, indent);
        else _page.Write(_at.Text(close));
    }

    private bool HasBar(int open, int close) =>
        Enumerable.Range(open + 1, close - open - 1).Any(i => _at.Around(i) == open && _at.Is(i, "|"));

    /// <summary>Begins a line with a token, below the comments before it.</summary>
    private void Start(int i, int indent, bool isFirst)
    {
        var first = isFirst;
        foreach (var remark in _at.Remarks(i))
        {
            _page.Write(remark, indent, remark.BlankBefore && !first);
            first = false;
        }

        if (_at.BlankBefore(i) && !first) _page.Blank();
        _page.NewLine(indent);
    }

    private void Close(int close, int indent)
    {
        foreach (var remark in _at.Remarks(close)) _page.Write(remark, indent + 1, remark.BlankBefore);
        _page.NewLine(indent);
        _page.Write(_at.Text(close));
    }

    /// <summary>Where a statement ends, before the semicolons behind it.</summary>
    private int TrimSeparators(int from, int end)
    {
        while (end > from && _at.Is(end - 1, ";")) end--;
        return end;
    }

    private List<int> Direct(int open, TokenRoles role)
    {
        var found = new List<int>();
        for (var i = open + 1; i < _at.CloseOf(open); i++)
        {
            if (_at.Around(i) == open && _at.Is(i, role)) found.Add(i);
            if (_at.Opens(i)) i = _at.CloseOf(i);
        }

        return found;
    }

    /// <summary>Whether the parts of a group take a line each: the author broke it, a comment does, or it is too long.</summary>
    private bool Breaks(int open) => MustBreak(open) || !Fits(open);

    private bool MustBreak(int open)
    {
        var close = _at.CloseOf(open);
        if (_at.StartsLine(open + 1) || _at.StartsLine(close)) return true;
        for (var i = open + 1; i < close; i++)
        {
            if (_at.Around(i) == open)
            {
                var starts = _at.Is(i, TokenRoles.Literal | TokenRoles.Bar) || _at.Is(i - 1, ",") || _at.Is(i, ",") || _at.Is(i, ";");
                if (starts && _at.StartsLine(i)) return true;
            }

            if (_at.Opens(i)) i = _at.CloseOf(i);
        }

        return false;
    }

    /// <summary>Whether a group fits on the line, or at least what of it stands before a break that must be.</summary>
    private bool Fits(int open)
    {
        var width = _page.Column;
        var close = _at.CloseOf(open);
        for (var i = open; i <= close; i++)
        {
            if (i > open && _at.StartsLine(i) && (MayBreak(i) || _at.Remarks(i).Length > 0)) return true;
            if (i > open && Spaced(i)) width++;
            var text = _at.Text(i);
            var line = text.IndexOf('\n');
            width += line < 0 ? text.Length : line;
            if (width > Page.Width) return false;
            if (line >= 0) return true;
            if (i > open && _at.Opens(i) && IsBreakable(i) && MustBreak(i)) return true;
        }

        return true;
    }

    private bool IsBreakable(int open) =>
        _at.Is(open, TokenRoles.Body | TokenRoles.Comprehension | TokenRoles.Operands) || (!_at.Is(open, TokenRoles.Index) && !_at.Is(open, "("));
}
