namespace Caracal.Rego.Syntax;

/// <summary>A place in a source text; both numbers start at one.</summary>
internal readonly record struct Place(int Line, int Column);

internal enum TokenKind : byte
{
    End,
    Name,
    Number,
    Text,
    Template,
    Symbol,
}

/// <summary>One token. For a template the parts are texts and token lists.</summary>
internal sealed record Token(TokenKind Kind, string Text, Place At, int Start, int End, bool SpaceBefore, bool LineBefore, IReadOnlyList<object>? Parts = null)
{
    public bool Is(string symbol) => Kind == TokenKind.Symbol && Text == symbol;

    public bool IsName(string name) => Kind == TokenKind.Name && Text == name;

    public string Shown => Kind switch
    {
        TokenKind.End => "eof",
        TokenKind.Text => "string",
        TokenKind.Template => "template-string",
        TokenKind.Number => "number",
        _ => Text,
    };
}

/// <summary>The source text is not in the language.</summary>
internal sealed class SyntaxException(string message, Place at) : Exception(message)
{
    public Place At { get; } = at;

    /// <summary>Whether reading the same text in another way is not to be tried.</summary>
    public bool IsFinal { get; init; }

    public static SyntaxException TooDeep(Place at) => new("max recursion depth exceeded", at) { IsFinal = true };
}
