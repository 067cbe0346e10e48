namespace Caracal.Rego.Syntax;

/// <summary>Bodies and their statements.</summary>
internal sealed partial class Parser
{
    private List<Literal> Query(Func<Token, bool> atEnd)
    {
        var body = new List<Literal>();
        while (!atEnd(Here))
        {
            if (body.Count > 0 && !TryTake(";") && !Here.LineBefore) throw Unexpected();
            if (TryTake(";") || atEnd(Here)) continue;
            body.Add(Literal());
        }

        return body;
    }

    private List<Literal> BracesBody()
    {
        Note(TokenRoles.Body);
        var at = Expect("{").At;
        var body = Query(static t => t.Is("}") || t.Kind == TokenKind.End);
        Expect("}");
        if (body.Count == 0) throw new SyntaxException("found empty body", at);
        return body;
    }

    /// <summary>What follows <c>if</c>: one literal, or a block where that literal would be a set.</summary>
    private List<Literal> IfBody()
    {
        Take();
        if (!Here.Is("{")) return [Literal()];
        if (After.Is("}")) throw new SyntaxException("found empty body", Here.At);
        if (LooksLikeBlock()) return BracesBody();
        var start = Remember();
        try
        {
            var literal = Literal();
            if (literal is not ExpressionLiteral { Left: SetTerm, Right: null }) return [literal];
        }
        catch (SyntaxException e) when (!e.IsFinal)
        {
            // Not a literal, so it is a block.
        }

        Return(start);
        return BracesBody();
    }

    /// <summary>Whether the braces at the cursor hold something that only a block can; saves trying a literal first.</summary>
    private bool LooksLikeBlock()
    {
        var depth = 0;
        for (var i = _at; i < _tokens.Count; i++)
        {
            var token = _tokens[i];
            if (token.Is("{") || token.Is("[") || token.Is("(")) depth++;
            else if ((token.Is("}") || token.Is("]") || token.Is(")")) && --depth == 0) return false;
            if (depth != 1) continue;
            if (token.Is("|") || token.Is(":") || token.Is(",")) return false;
            if (token.Is(":=") || token.Is("=") || token.Is(";") || token.IsName("some") || token.IsName("not")) return true;
        }

        return false;
    }

    private Literal Literal()
    {
        Note(TokenRoles.Literal);
        var literal = Nested(BareLiteral);
        if (!AtInfixKeyword("with")) return literal;
        var clauses = new List<WithClause>();
        while (AtInfixKeyword("with"))
        {
            Note(TokenRoles.With);
            var at = Take().At;
            var target = Postfix(Operand());
            if (target is not (VarTerm or RefTerm)) throw new SyntaxException("with keyword target must be a reference", target.At);
            if (!AtInfixKeyword("as")) throw Unexpected("expected as keyword");
            Take();
            clauses.Add(new WithClause(target, Membership(pairs: false), at));
        }

        return literal with { With = clauses };
    }

    private Literal BareLiteral()
    {
        var at = Here.At;
        if (AtKeyword("some")) return Some();
        if (_kwEvery && AtKeyword("every")) return Every();
        if (!AtKeyword("not")) return Expression(at, negated: false);
        Take();
        if (AtKeyword("some")) throw new SyntaxException("illegal negation of 'some'", Here.At);
        if (_kwEvery && AtKeyword("every")) throw new SyntaxException("illegal negation of 'every'", Here.At);
        return Expression(at, negated: true);
    }

    private ExpressionLiteral Expression(Place at, bool negated)
    {
        var left = Membership(pairs: true);
        if (!Here.Is(":=") && !Here.Is("=")) return new ExpressionLiteral(left, null, false, negated, at);
        var declares = Take().Text == ":=";
        if (declares && negated) throw new SyntaxException("cannot assign vars inside negated expression", at);
        var right = Membership(pairs: true);
        if (Here.Is(":=") || Here.Is("=")) throw Unexpected();
        if (declares) CheckAssignable(left);
        return new ExpressionLiteral(left, right, declares, negated, at);
    }

    private static void CheckAssignable(Term target)
    {
        switch (target)
        {
            case VarTerm or ScalarTerm: break;
            case ArrayTerm a:
                foreach (var item in a.Items) CheckAssignable(item);
                break;
            case ObjectTerm o:
                foreach (var (_, value) in o.Pairs) CheckAssignable(value);
                break;
            case RefTerm: throw new SyntaxException("cannot assign to ref", target.At);
            case CallTerm: throw new SyntaxException("cannot assign to call", target.At);
            default: throw new SyntaxException("cannot assign to this term", target.At);
        }
    }

    private Literal Some()
    {
        var at = Take().At;
        var terms = new List<Term> { Relation() };
        while (TryTake(",")) terms.Add(Relation());
        if (_kwIn && AtInfixKeyword("in"))
        {
            Take();
            if (terms.Count > 2) throw Unexpected("expected at most two terms before in");
            var collection = Membership(pairs: false);
            return new SomeInLiteral(terms.Count == 2 ? terms[0] : null, terms[^1], collection, at);
        }

        var names = terms.Select(t => t as VarTerm ?? throw new SyntaxException("unexpected term, expected var in some declaration", t.At)).ToList();
        return new SomeLiteral(names, at);
    }

    private EveryLiteral Every()
    {
        var at = Take().At;
        var value = VariableName();
        VarTerm? key = null;
        if (TryTake(","))
        {
            key = value;
            value = VariableName();
        }

        if (!Here.IsName("in")) throw Unexpected("expected in keyword");
        Take();
        var domain = Relation();
        if (!Here.Is("{")) throw new SyntaxException("missing body", Here.At);
        Note(TokenRoles.Every);
        return new EveryLiteral(key, value, domain, BracesBody(), at);
    }

    private VarTerm VariableName()
    {
        if (Here.Kind != TokenKind.Name || IsReserved(Here)) throw Unexpected("expected variable");
        var name = Take();
        return new VarTerm(name.Text, name.At);
    }
}
