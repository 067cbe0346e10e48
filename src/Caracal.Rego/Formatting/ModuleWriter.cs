using System.Text;
using Caracal.Rego.Syntax;

namespace Caracal.Rego.Formatting;

/// <summary>Writes the statements of a module: package, imports, rules. What stands in brackets has its own file.</summary>
internal sealed partial class ModuleWriter(ModuleText module)
{
    private readonly Structure _at = new(module);
    private Page _page = new();

    public string Write()
    {
        var starts = Enumerable.Range(0, _at.Count).Where(i => _at.Is(i, TokenRoles.Statement)).ToList();
        var text = new StringBuilder();
        var before = "";
        var end = _at.Count - 1;
        for (var s = 0; s < starts.Count; s++)
        {
            var start = starts[s];
            _page = new Page();
            Line(start, s + 1 < starts.Count ? starts[s + 1] : end);
            var statement = _page.ToString();
            var separate = s > 0 && (s == 1 || !BothImports(starts[s - 1], start)) && (s == 1 || before.Contains('\n', StringComparison.Ordinal)
                || statement.Contains('\n', StringComparison.Ordinal) || IsImport(starts[s - 1]));
            Between(text, start, separate);
            text.Append(statement);
            before = statement;
        }

        Between(text, end, separate: false);
        return text.Append(text.Length > 0 && text[^1] == '\n' ? "" : "\n").ToString();
    }

    private bool IsImport(int start) => _at.Is(start, TokenRoles.Import);

    private bool BothImports(int a, int b) => IsImport(a) && IsImport(b);

    /// <summary>What stands between two statements: comments, and empty lines as the author left them.</summary>
    private void Between(StringBuilder text, int start, bool separate)
    {
        var remarks = _at.Remarks(start);
        var first = true;
        // One empty line somewhere between two statements is enough.
        separate &= !_at.BlankBefore(start) && !remarks.Any(r => r.BlankBefore);
        foreach (var remark in remarks)
        {
            if (!remark.OwnLine)
            {
                text.Append(' ').Append(remark.Text);
                continue;
            }

            if (text.Length > 0) text.Append('\n');
            if (text.Length > 0 && (remark.BlankBefore || (separate && first))) text.Append('\n');
            text.Append(remark.Text);
            first = false;
        }

        if (start == _at.Count - 1) return;
        if (text.Length > 0) text.Append('\n');
        if (text.Length > 0 && (_at.BlankBefore(start) || (separate && first))) text.Append('\n');
    }

    /// <summary>Writes tokens one after the other; comments before the first are somebody else's.</summary>
    private void Line(int from, int to)
    {
        var indent = _page.Indent;
        for (var i = from; i < to; i++)
        {
            if (i > from) Gap(i, indent);
            if (_at.Opens(i))
            {
                Group(i);
                i = _at.CloseOf(i);
            }
            else
            {
                _page.Write(_at.Text(i));
            }
        }
    }

    /// <summary>What separates a token from the one before it on the same line: nothing, a space, or a line that goes on.</summary>
    private void Gap(int i, int indent)
    {
        // A clause of its own: it stands at the margin of its rule, or behind the brace that ends the one before.
        if (_at.Is(i, TokenRoles.Else) || (_at.Is(i, TokenRoles.Body) && EndsBody(i - 1)))
        {
            Remarks(i, indent);
            if (EndsBody(i - 1) && !_page.IsClosed) _page.Write(" ");
            else _page.NewLine(indent);
            return;
        }

        Remarks(i, indent + 1);
        if (_page.IsClosed || (_at[i].LineBefore && MayBreak(i))) _page.NewLine(indent + 1);
        else if (Spaced(i)) _page.Write(" ");
    }

    /// <summary>Comments in the middle of a line end it.</summary>
    private void Remarks(int i, int indent)
    {
        foreach (var remark in _at.Remarks(i)) _page.Write(remark, indent);
    }

    private bool EndsBody(int i)
    {
        if (!_at.Is(i, "}")) return false;
        // Brackets nest, so the one before with this end is the one that opened it.
        var open = i;
        while (!_at.Opens(open) || _at.CloseOf(open) != i) open--;
        return _at.Is(open, TokenRoles.Body) && _at.Around(open) < 0;
    }

    /// <summary>Authors break long lines at operators; those breaks stay.</summary>
    private bool MayBreak(int i) => _at.Is(i, TokenRoles.Infix | TokenRoles.With) || _at.Is(i - 1, TokenRoles.Infix);

    /// <summary>Whether a token stands apart from the one before it.</summary>
    private bool Spaced(int i)
    {
        var (token, before) = (_at[i], _at[i - 1]);
        if (token.Kind == TokenKind.Symbol && token.Text is "." or "," or ";" or ":" or ")" or "]" or "}") return false;
        if (_at.Is(i, TokenRoles.Index | TokenRoles.Operands) || _at.Is(i - 1, TokenRoles.Negative)) return false;
        return !(before.Kind == TokenKind.Symbol && before.Text is "." or "(" or "[" or "{");
    }
}
