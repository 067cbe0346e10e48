using Caracal.Rego.Numbers;

namespace Caracal.Rego.Syntax;

/// <summary>
/// A recursive descent parser over a token list. This part holds the cursor and what all parts share;
/// modules, queries and terms have their own files.
/// </summary>
internal sealed partial class Parser
{
    private const int MaxNesting = 256;
    private const int MaxChain = 1_000;

    private readonly List<Token> _tokens;
    private readonly bool _v1;
    private int _at;
    private int _nesting;
    private long _work;
    private List<(int Token, TokenRoles Role)>? _roles;
    private bool _kwIf;
    private bool _kwContains;
    private bool _kwEvery;
    private bool _kwIn;
    private bool _strict;

    private Parser(List<Token> tokens, bool v1)
    {
        _tokens = tokens;
        _v1 = v1;
        _strict = v1;
        _kwIf = _kwContains = _kwEvery = _kwIn = v1;
        // Trying a comprehension before a union can repeat work; hostile nesting would repeat it exponentially.
        _work = (tokens.Count * 64L) + 10_000;
    }

    private Token Here => _tokens[_at];

    private Token After => _tokens[Math.Min(_at + 1, _tokens.Count - 1)];

    /// <summary>Reads a module in the given mode; in automatic mode the older syntax is tried first.</summary>
    public static ModuleTree ParseModule(string file, string source, RegoLanguageMode mode)
    {
        var (tokens, comments) = Lexer.Read(source);
        return Module(file, tokens, comments, mode, null);
    }

    /// <summary>Reads a module and what its tokens are for.</summary>
    public static ModuleText ParseText(string file, string source, RegoLanguageMode mode)
    {
        var (tokens, comments) = Lexer.Read(source);
        var roles = new List<(int Token, TokenRoles Role)>();
        var tree = Module(file, tokens, comments, mode, roles);
        var byToken = new TokenRoles[tokens.Count];
        foreach (var (token, role) in roles) byToken[token] |= role;
        return new ModuleText(tree, source, tokens, byToken, comments);
    }

    private static ModuleTree Module(
        string file, List<Token> tokens, List<Comment> comments, RegoLanguageMode mode, List<(int Token, TokenRoles Role)>? roles)
    {
        var texts = comments.ConvertAll(c => c.Text);
        if (mode != RegoLanguageMode.Auto) return new Parser(tokens, mode == RegoLanguageMode.V1) { _roles = roles }.Module(file, texts);
        try
        {
            return new Parser(tokens, v1: false) { _roles = roles }.Module(file, texts);
        }
        catch (SyntaxException e) when (!e.IsFinal)
        {
            roles?.Clear();
            return new Parser(tokens, v1: true) { _roles = roles }.Module(file, texts);
        }
    }

    /// <summary>Reads a query: the statements of a body.</summary>
    public static List<Literal> ParseQuery(string source)
    {
        var parser = new Parser(Lexer.Read(source).Tokens, v1: true);
        var body = parser.Query(static t => t.Kind == TokenKind.End);
        if (body.Count == 0) throw new SyntaxException("empty query", parser.Here.At);
        return body;
    }

    private Token Take()
    {
        if (--_work < 0) throw SyntaxException.TooDeep(Here.At);
        var token = Here;
        if (token.Kind != TokenKind.End) _at++;
        return token;
    }

    /// <summary>Notes what the token at the cursor is for.</summary>
    private void Note(TokenRoles role) => _roles?.Add((_at, role));

    /// <summary>Where to go back to when a way of reading the text fails.</summary>
    private (int At, int Nesting, int Roles) Remember() => (_at, _nesting, _roles?.Count ?? 0);

    private void Return((int At, int Nesting, int Roles) to)
    {
        (_at, _nesting) = (to.At, to.Nesting);
        _roles?.RemoveRange(to.Roles, _roles.Count - to.Roles);
    }

    private bool TryTake(string symbol, TokenRoles role)
    {
        if (Here.Is(symbol)) Note(role);
        return TryTake(symbol);
    }

    private bool TryTake(string symbol)
    {
        if (!Here.Is(symbol)) return false;
        Take();
        return true;
    }

    private Token Expect(string symbol) => Here.Is(symbol) ? Take() : throw Unexpected($"expected {symbol}");

    private SyntaxException Unexpected(string? detail = null) => Unexpected(Here, detail);

    private SyntaxException Unexpected(Token token, string? detail = null)
    {
        var kind = IsReserved(token) ? "keyword" : "token";
        var shown = token.Kind == TokenKind.Name && kind == "token" ? "identifier" : token.Shown;
        return new SyntaxException($"unexpected {shown} {kind}" + (detail is null ? "" : $": {detail}"), token.At);
    }

    /// <summary>Whether the token at the cursor starts a reference although it is a keyword, as in <c>if.x</c>.</summary>
    private bool StartsReference() => After is { SpaceBefore: false } next && (next.Is(".") || next.Is("["));

    /// <summary>A keyword where an operand or a rule may start.</summary>
    private bool AtKeyword(string keyword) => Here.IsName(keyword) && !StartsReference();

    /// <summary>A keyword between operands; on a new line it may instead start a reference.</summary>
    private bool AtInfixKeyword(string keyword) => Here.IsName(keyword) && !(Here.LineBefore && StartsReference());

    private bool IsReserved(Token token) => token.Kind == TokenKind.Name && token.Text switch
    {
        "as" or "default" or "else" or "false" or "import" or "not" or "null" or "package" or "some" or "true" or "with" => true,
        "if" => _kwIf,
        "contains" => _kwContains,
        "every" => _kwEvery,
        "in" => _kwIn,
        _ => false,
    };

    private T Nested<T>(Func<T> read)
    {
        if (++_nesting > MaxNesting) throw SyntaxException.TooDeep(Here.At);
        var result = read();
        _nesting--;
        return result;
    }

    private static ScalarTerm Number(Token token, bool negative)
    {
        var text = negative ? "-" + token.Text : token.Text;
        return DecimalText.TryParse(text, out var number)
            ? new ScalarTerm(number, token.At)
            : throw new SyntaxException("number too big", token.At);
    }
}
