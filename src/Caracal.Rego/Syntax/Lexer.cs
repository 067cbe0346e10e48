using System.Globalization;
using System.Text;

namespace Caracal.Rego.Syntax;

/// <summary>Cuts a source text into tokens (rego.md 3).</summary>
internal sealed class Lexer(string source)
{
    private const int MaxTemplateNesting = 64;

    private readonly List<Comment> _comments = [];
    private int _at;
    private int _line = 1;
    private int _lineStart;
    private int _nesting;

    public static (List<Token> Tokens, List<Comment> Comments) Read(string source)
    {
        var lexer = new Lexer(source);
        if (source.StartsWith('\uFEFF')) lexer._at = 1;
        return (lexer.ReadUntilEnd(inTemplate: false), lexer._comments);
    }

    private List<Token> ReadUntilEnd(bool inTemplate)
    {
        var tokens = new List<Token>();
        var depth = 0;
        while (true)
        {
            var (space, line) = SkipBlanks();
            var at = new Place(_line, _at - _lineStart + 1);
            if (_at >= source.Length)
            {
                if (inTemplate) throw new SyntaxException("non-terminated string", at);
                tokens.Add(new Token(TokenKind.End, "", at, _at, _at, space, line));
                return tokens;
            }

            if (inTemplate && source[_at] == '}' && depth == 0)
            {
                tokens.Add(new Token(TokenKind.End, "", at, _at, _at, space, line));
                _at++;
                return tokens;
            }

            var token = Next(at, space, line);
            if (token.Is("{")) depth++;
            if (token.Is("}")) depth--;
            tokens.Add(token);
        }
    }

    private Token Next(Place at, bool space, bool line)
    {
        var start = _at;
        var c = source[_at];
        if (char.IsAsciiLetter(c) || c == '_')
        {
            while (_at < source.Length && (char.IsAsciiLetterOrDigit(source[_at]) || source[_at] == '_')) _at++;
            return new Token(TokenKind.Name, source[start.._at], at, start, _at, space, line);
        }

        if (char.IsAsciiDigit(c) || (c == '.' && char.IsAsciiDigit(Peek(1)))) return Number(at, space, line);
        if (c == '"') return new Token(TokenKind.Text, Quoted(), at, start, _at, space, line);
        if (c == '`') return new Token(TokenKind.Text, Raw(), at, start, _at, space, line);
        if (c == '$' && Peek(1) is '"' or '`')
        {
            var parts = Template(at);
            return new Token(TokenKind.Template, "", at, start, _at, space, line, parts);
        }

        var two = _at + 1 < source.Length ? source.AsSpan(_at, 2) : default;
        if (two is ":=" or "==" or "!=" or "<=" or ">=")
        {
            _at += 2;
            return new Token(TokenKind.Symbol, two.ToString(), at, start, _at, space, line);
        }

        if (!"=<>+-*/%|&()[]{},;:.".Contains(c, StringComparison.Ordinal)) throw new SyntaxException($"illegal token {c}", at);
        _at++;
        return new Token(TokenKind.Symbol, c.ToString(), at, start, _at, space, line);
    }

    private char Peek(int ahead) => _at + ahead < source.Length ? source[_at + ahead] : '\0';

    private (bool Space, bool Line) SkipBlanks()
    {
        var start = _at;
        var line = _line;
        while (_at < source.Length)
        {
            var c = source[_at];
            if (c == '\n') NewLine();
            else if (c is ' ' or '\t' or '\r') _at++;
            else if (c == '#') Comment();
            else break;
        }

        return (_at > start, _line > line);
    }

    private void NewLine()
    {
        _at++;
        _line++;
        _lineStart = _at;
    }

    private void Comment()
    {
        var start = _at + 1;
        while (_at < source.Length && source[_at] != '\n') _at++;
        _comments.Add(new Comment(source[start.._at].TrimEnd('\r'), start - 1));
    }

    private Token Number(Place at, bool space, bool line)
    {
        var start = _at;
        if (source[_at] == '0' && char.IsAsciiDigit(Peek(1))) throw new SyntaxException("expected number without leading zero", at);
        Digits();
        if (_at < source.Length && source[_at] == '.' && char.IsAsciiDigit(Peek(1)))
        {
            _at++;
            Digits();
        }
        else if (_at < source.Length && source[_at] == '.')
        {
            throw new SyntaxException("expected fraction", at);
        }

        if (_at < source.Length && (source[_at] | 0x20) == 'e')
        {
            _at++;
            if (_at < source.Length && source[_at] is '+' or '-') _at++;
            if (!char.IsAsciiDigit(Peek(0))) throw new SyntaxException("expected exponent", at);
            Digits();
        }

        if (char.IsAsciiLetter(Peek(0)) || Peek(0) == '_') throw new SyntaxException("illegal number format", at);
        return new Token(TokenKind.Number, source[start.._at], at, start, _at, space, line);
    }

    private void Digits()
    {
        while (_at < source.Length && char.IsAsciiDigit(source[_at])) _at++;
    }

    private string Raw()
    {
        var at = new Place(_line, _at - _lineStart + 1);
        var start = ++_at;
        while (_at < source.Length && source[_at] != '`')
        {
            if (source[_at] == '\n') NewLine();
            else _at++;
        }

        if (_at >= source.Length) throw new SyntaxException("non-terminated string", at);
        return source[start.._at++];
    }

    private string Quoted()
    {
        var at = new Place(_line, _at - _lineStart + 1);
        var end = source.AsSpan(_at + 1).IndexOfAny('"', '\\', '\n');
        if (end >= 0 && source[_at + 1 + end] == '"')
        {
            var plain = source.Substring(_at + 1, end);
            _at += end + 2;
            return plain;
        }

        _at++;
        var sb = new StringBuilder();
        while (true)
        {
            if (_at >= source.Length || source[_at] == '\n') throw new SyntaxException("non-terminated string", at);
            var c = source[_at++];
            if (c == '"') return sb.ToString();
            if (c == '\\') Escape(sb, at, template: false);
            else sb.Append(c);
        }
    }

    private List<object> Template(Place at)
    {
        if (++_nesting > MaxTemplateNesting) throw SyntaxException.TooDeep(at);
        var raw = source[_at + 1] == '`';
        _at += 2;
        var parts = new List<object>();
        var sb = new StringBuilder();
        while (true)
        {
            if (_at >= source.Length || (!raw && source[_at] == '\n')) throw new SyntaxException("non-terminated string", at);
            var c = source[_at];
            if (c == (raw ? '`' : '"'))
            {
                _at++;
                break;
            }

            if (c == '\n')
            {
                sb.Append(c);
                NewLine();
            }
            else if (c == '{')
            {
                _at++;
                if (sb.Length > 0) parts.Add(sb.ToString());
                sb.Clear();
                parts.Add(ReadUntilEnd(inTemplate: true));
            }
            else if (c == '\\' && (!raw || Peek(1) == '{'))
            {
                _at++;
                Escape(sb, at, template: true);
            }
            else
            {
                sb.Append(c);
                _at++;
            }
        }

        if (sb.Length > 0) parts.Add(sb.ToString());
        _nesting--;
        return parts;
    }

    /// <summary>Reads what follows a backslash.</summary>
    private void Escape(StringBuilder sb, Place at, bool template)
    {
        var c = Peek(0);
        _at++;
        switch (c)
        {
            case '"' or '\\' or '/': sb.Append(c); break;
            case 'b': sb.Append('\b'); break;
            case 'f': sb.Append('\f'); break;
            case 'n': sb.Append('\n'); break;
            case 'r': sb.Append('\r'); break;
            case 't': sb.Append('\t'); break;
            case '{' when template: sb.Append('{'); break;
            case 'u' when Hex(out var unit): AppendUnit(sb, unit); break;
            default: throw new SyntaxException("illegal escape sequence", at);
        }
    }

    private void AppendUnit(StringBuilder sb, char unit)
    {
        if (!char.IsSurrogate(unit))
        {
            sb.Append(unit);
            return;
        }

        // A pair of escapes makes one character; half of one is replaced.
        var back = _at;
        if (char.IsHighSurrogate(unit) && Peek(0) == '\\' && Peek(1) == 'u')
        {
            _at += 2;
            if (Hex(out var low) && char.IsLowSurrogate(low))
            {
                sb.Append(unit).Append(low);
                return;
            }
        }

        _at = back;
        sb.Append('\uFFFD');
    }

    private bool Hex(out char unit)
    {
        unit = '\0';
        if (_at + 4 > source.Length) return false;
        if (!ushort.TryParse(source.AsSpan(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var n)) return false;
        unit = (char)n;
        _at += 4;
        return true;
    }
}
