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

/// <summary>A comment, without its <c>#</c>, and where it starts in the text.</summary>
internal readonly record struct Comment(string Text, int Start);

/// <summary>What the grammar made of a token that its text alone does not tell; the formatter needs it.</summary>
[Flags]
internal enum TokenRoles : ushort
{
    None = 0,

    /// <summary>The first token of a package, an import or a rule.</summary>
    Statement = 1 << 0,

    Import = 1 << 1,

    /// <summary>The first token of a statement of a body.</summary>
    Literal = 1 << 2,

    /// <summary>The brace that opens a body.</summary>
    Body = 1 << 3,

    /// <summary>The bracket that opens a comprehension.</summary>
    Comprehension = 1 << 4,

    /// <summary>The bar between a comprehension's head and its body.</summary>
    Bar = 1 << 5,

    /// <summary>The bracket that opens a key, directly behind what it is a key of.</summary>
    Index = 1 << 6,

    /// <summary>The parenthesis that opens operands.</summary>
    Operands = 1 << 7,

    Infix = 1 << 8,

    /// <summary>The minus of a number.</summary>
    Negative = 1 << 9,

    With = 1 << 10,

    Else = 1 << 11,

    /// <summary>The brace that opens the body of an <c>every</c>.</summary>
    Every = 1 << 12,
}

/// <summary>The source text is not in the language.</summary>
internal sealed class SyntaxException(string message, Place at) : Exception(message)
{
    public Place At { get; } = at;

    /// <summary>Whether reading the same text in another way is not to be tried.</summary>
    public bool IsFinal { get; init; }

    public static SyntaxException TooDeep(Place at) => new("max recursion depth exceeded", at) { IsFinal = true };
}
