using Caracal.Rego.Values;

namespace Caracal.Rego.Syntax;

/// <summary>Terms, from the loosest operator to the tightest.</summary>
internal sealed partial class Parser
{
    private static readonly Func<Token, string?>[] s_levels =
    [
        static t => t.Text switch { "==" => "equal", "!=" => "neq", "<" => "lt", "<=" => "lte", ">" => "gt", ">=" => "gte", _ => null },
        static t => t.Text == "|" ? "or" : null,
        static t => t.Text == "&" ? "and" : null,
        static t => t.Text switch { "+" => "plus", "-" => "minus", _ => null },
        static t => t.Text switch { "*" => "mul", "/" => "div", "%" => "rem", _ => null },
    ];

    /// <summary>A term with <c>in</c>; where pairs are allowed also <c>k, v in xs</c>.</summary>
    private Term Membership(bool pairs) => Nested(() => MembershipOf(Relation(), pairs));

    private Term MembershipOf(Term left, bool pairs)
    {
        if (pairs && _kwIn && Here.Is(",")) left = Pair(left) ?? left;
        for (var chain = 0; _kwIn && AtInfixKeyword("in"); chain++)
        {
            if (chain > MaxNesting) throw SyntaxException.TooDeep(Here.At);
            Note(TokenRoles.Infix);
            var at = Take().At;
            left = new CallTerm(new VarTerm("internal.member_2", at), [left, Relation()], left.At);
        }

        return left;
    }

    private CallTerm? Pair(Term key)
    {
        var start = Remember();
        try
        {
            Take();
            var value = Relation();
            if (AtInfixKeyword("in"))
            {
                Note(TokenRoles.Infix);
                var at = Take().At;
                return new CallTerm(new VarTerm("internal.member_3", at), [key, value, Relation()], key.At);
            }
        }
        catch (SyntaxException e) when (!e.IsFinal)
        {
            // Not a pair: the comma belongs to whatever is around.
        }

        Return(start);
        return null;
    }

    private Term Relation() => Infix(0, null);

    /// <summary>Reads one level of infix operators; the first operand may have been read already.</summary>
    private Term Infix(int level, Term? first)
    {
        if (level == s_levels.Length) return first ?? Postfix(Operand());
        var left = Infix(level + 1, first);
        for (var chain = 0; Here.Kind == TokenKind.Symbol && s_levels[level](Here) is { } name; chain++)
        {
            if (chain > MaxChain) throw SyntaxException.TooDeep(Here.At);
            Note(TokenRoles.Infix);
            var at = Take().At;
            left = new CallTerm(new VarTerm(name, at), [left, Infix(level + 1, null)], left.At);
        }

        return left;
    }

    private Term Operand()
    {
        var token = Here;
        switch (token.Kind)
        {
            case TokenKind.Number: return Number(Take(), negative: false);
            case TokenKind.Text: return new ScalarTerm(KeyNames.Get(Take().Text), token.At);
            case TokenKind.Template: return Template(Take());
            case TokenKind.Name: return Name();
        }

        switch (token.Text)
        {
            case "-":
                Note(TokenRoles.Negative);
                Take();
                if (Here.Kind != TokenKind.Number || Here.SpaceBefore) throw Unexpected("expected number");
                return Number(Take(), negative: true) with { At = token.At };
            case "(":
                Take();
                var inner = Membership(pairs: true);
                Expect(")");
                return inner;
            case "[": return Array();
            case "{": return Braces();
            default: throw Unexpected();
        }
    }

    private Term Name()
    {
        var token = Here;
        if (IsReserved(token) && !StartsReference() && !(token.Text == "contains" && After.Is("(") && !After.SpaceBefore))
        {
            RegoValue? constant = token.Text switch { "null" => RegoValue.Null, "true" => RegoValue.True, "false" => RegoValue.False, _ => null };
            if (constant is null) throw Unexpected();
            Take();
            return new ScalarTerm(constant, token.At);
        }

        Take();
        if (token.Text == "set" && Here.Is("(") && !Here.SpaceBefore && After.Is(")"))
        {
            Note(TokenRoles.Operands);
            Take();
            Take();
            return new ScalarTerm(SetValue.Empty, token.At);
        }

        return new VarTerm(token.Text, token.At);
    }

    /// <summary>Keys and calls that follow an operand without white space.</summary>
    private Term Postfix(Term head)
    {
        if (head is ScalarTerm { Value.Kind: not RegoKind.String }) return head;
        var keys = new List<Term>();
        var term = head;
        while (!Here.SpaceBefore)
        {
            if (TryTake(".")) keys.Add(DottedName());
            else if (TryTake("[", TokenRoles.Index)) keys.Add(BracketKey());
            else if (Here.Is("(")) break;
            else return Reference(term, keys);

            if (keys.Count > 4096) throw SyntaxException.TooDeep(Here.At);
        }

        if (!Here.Is("(") || Here.SpaceBefore) return Reference(term, keys);
        term = Reference(term, keys);
        if (term is not VarTerm && !(term is RefTerm { Head: VarTerm } r && r.Keys.All(k => k is ScalarTerm { Value.Kind: RegoKind.String })))
            throw Unexpected("calls need a function name");
        return Nested(() =>
        {
            Note(TokenRoles.Operands);
            Take();
            return Postfix(new CallTerm(term, List(")"), head.At));
        });
    }

    private static Term Reference(Term head, List<Term> keys) => keys.Count == 0 ? head : new RefTerm(head, keys, head.At);

    private ScalarTerm DottedName()
    {
        if (Here.SpaceBefore || Here.Kind != TokenKind.Name) throw Unexpected("expected name after .");
        var name = Take();
        return new ScalarTerm(KeyNames.Get(name.Text), name.At);
    }

    private Term BracketKey()
    {
        var key = Membership(pairs: true);
        Expect("]");
        return key;
    }

    /// <summary>Terms separated by commas up to the closing symbol, which is taken.</summary>
    private List<Term> List(string close)
    {
        var items = new List<Term>();
        while (!TryTake(close))
        {
            if (items.Count > 0)
            {
                Expect(",");
                if (TryTake(close)) break;
            }

            items.Add(Membership(pairs: false));
        }

        return items;
    }

    private Term Array()
    {
        var open = _at;
        var at = Take().At;
        if (TryTake("]")) return new ScalarTerm(ArrayValue.Empty, at);
        var (first, whole) = ItemOrComprehension(open, "]", (value, body) => new ComprehensionTerm(ComprehensionKind.Array, null, value, body, at));
        return whole ? first : new ArrayTerm(Rest(first, "]"), at);
    }

    private Term Braces()
    {
        var open = _at;
        var at = Take().At;
        if (TryTake("}")) return new ScalarTerm(ObjectValue.Empty, at);
        var (first, whole) = ItemOrComprehension(open, "}", (value, body) => new ComprehensionTerm(ComprehensionKind.Set, null, value, body, at));
        if (whole) return first;
        if (!Here.Is(":")) return new SetTerm(Rest(first, "}"), at);
        Take();
        (var firstValue, whole) = ItemOrComprehension(open, "}", (value, body) => new ComprehensionTerm(ComprehensionKind.Object, first, value, body, at));
        if (whole) return firstValue;
        var pairs = new List<(Term, Term)> { (first, firstValue) };
        while (!TryTake("}"))
        {
            Expect(",");
            if (TryTake("}")) break;
            var key = Membership(pairs: false);
            Expect(":");
            pairs.Add((key, Membership(pairs: false)));
        }

        return new ObjectTerm(pairs, at);
    }

    /// <summary>
    /// Reads the first item of a literal. A unit followed by <c>|</c> is first tried as the head of a comprehension;
    /// when that reads to the end, the whole comprehension is returned instead.
    /// </summary>
    private (Term Term, bool Whole) ItemOrComprehension(int open, string close, Func<Term, List<Literal>, ComprehensionTerm> build) => Nested<(Term, bool)>(() =>
    {
        var unit = Postfix(Operand());
        if (!Here.Is("|")) return (MembershipOf(Infix(0, unit), pairs: false), false);
        var start = Remember();
        SyntaxException first;
        try
        {
            _roles?.Add((open, TokenRoles.Comprehension));
            Note(TokenRoles.Bar);
            Take();
            var body = Query(t => t.Is(close) || t.Kind == TokenKind.End);
            Expect(close);
            if (body.Count == 0) throw new SyntaxException("found empty body", Here.At);
            return (build(unit, body), true);
        }
        catch (SyntaxException e) when (!e.IsFinal)
        {
            first = e;
        }

        Return(start);
        var item = MembershipOf(Infix(0, unit), pairs: false);
        if (!Here.Is(",") && !Here.Is(":") && !Here.Is(close)) throw first;
        return (item, false);
    });

    private List<Term> Rest(Term first, string close)
    {
        var items = new List<Term> { first };
        while (!TryTake(close))
        {
            Expect(",");
            if (TryTake(close)) break;
            items.Add(Membership(pairs: false));
        }

        return items;
    }

    private TemplateTerm Template(Token token)
    {
        var parts = new List<object>();
        foreach (var part in token.Parts!)
        {
            if (part is string text)
            {
                parts.Add(text);
                continue;
            }

            var inner = new Parser((List<Token>)part, _v1)
            {
                _kwIf = _kwIf,
                _kwContains = _kwContains,
                _kwEvery = _kwEvery,
                _kwIn = _kwIn,
                _nesting = _nesting + 1,
            };
            if (inner._nesting > MaxNesting) throw SyntaxException.TooDeep(token.At);
            if (inner.Here.Kind == TokenKind.End) throw new SyntaxException("invalid template-string expression: empty", token.At);
            var literal = inner.Literal();
            if (inner.Here.Kind != TokenKind.End) throw inner.Unexpected();
            if (literal is not ExpressionLiteral { Right: null, Negated: false })
                throw new SyntaxException("invalid template-string expression", literal.At);
            parts.Add(literal);
        }

        return new TemplateTerm(parts, token.At);
    }
}
