using Caracal.Rego.Syntax;

namespace Caracal.Rego.Formatting;

/// <summary>A comment with what stood before it.</summary>
internal readonly record struct Remark(string Text, bool OwnLine, bool BlankBefore);

/// <summary>What the writer asks about a module's tokens: which bracket closes which, and what stands between two tokens.</summary>
internal sealed class Structure
{
    private static readonly Remark[] s_none = [];

    private readonly ModuleText _module;
    private readonly int[] _close;
    private readonly int[] _around;
    private readonly Remark[]?[] _remarks;
    private readonly bool[] _blank;

    public Structure(ModuleText module)
    {
        _module = module;
        var count = module.Tokens.Count;
        _close = new int[count];
        _around = new int[count];
        _remarks = new Remark[]?[count];
        _blank = new bool[count];
        Pair();
        Attach();
    }

    public int Count => _close.Length;

    public Token this[int i] => _module.Tokens[i];

    public bool Is(int i, TokenRoles role) => (_module.Roles[i] & role) != TokenRoles.None;

    public bool Is(int i, string symbol) => _module.Tokens[i].Is(symbol);

    /// <summary>The token as it stands in the source, escapes and all.</summary>
    public ReadOnlySpan<char> Text(int i) => _module.Source.AsSpan(this[i].Start, this[i].End - this[i].Start);

    public bool Opens(int i) => _close[i] > 0;

    /// <summary>The bracket that closes the one at <paramref name="open"/>.</summary>
    public int CloseOf(int open) => _close[open];

    /// <summary>The innermost bracket around a token; -1 outside of all.</summary>
    public int Around(int i) => _around[i];

    /// <summary>The comments before a token.</summary>
    public Remark[] Remarks(int i) => _remarks[i] ?? s_none;

    /// <summary>Whether the source leaves a line empty directly before a token.</summary>
    public bool BlankBefore(int i) => _blank[i];

    /// <summary>Whether the source starts a line with a token, or a comment stands before it.</summary>
    public bool StartsLine(int i) => this[i].LineBefore || Remarks(i).Length > 0;

    private void Pair()
    {
        var open = new Stack<int>();
        for (var i = 0; i < Count; i++)
        {
            if (Is(i, ")") || Is(i, "]") || Is(i, "}")) _close[open.Pop()] = i;
            _around[i] = open.Count > 0 ? open.Peek() : -1;
            if (Is(i, "(") || Is(i, "[") || Is(i, "{")) open.Push(i);
        }
    }

    private void Attach()
    {
        var next = 0;
        var comments = _module.Comments;
        var from = 0;
        for (var i = 0; i < Count; i++)
        {
            var token = this[i];
            var found = new List<Remark>();
            while (next < comments.Count && comments[next].Start < token.Start)
            {
                var comment = comments[next++];
                if (comment.Start < from) continue; // inside a template string
                var lines = Lines(from, comment.Start);
                found.Add(new Remark("#" + comment.Text.TrimEnd(), lines > 0 || from == 0, lines > 1 && from > 0));
                from = comment.Start + 1 + comment.Text.Length;
            }

            _remarks[i] = found.Count > 0 ? [.. found] : null;
            _blank[i] = from > 0 && Lines(from, token.Start) > 1;
            from = token.End;
        }
    }

    private int Lines(int from, int to) => _module.Source.AsSpan(from, to - from).Count('\n');
}
