namespace Caracal.Rego.Syntax;

/// <summary>Packages, imports and rules.</summary>
internal sealed partial class Parser
{
    private ModuleTree Module(string file, List<string> comments)
    {
        if (!Here.IsName("package")) throw Here.Kind == TokenKind.End ? new SyntaxException("empty module", Here.At) : Unexpected("package expected");
        Note(TokenRoles.Statement);
        var packageAt = Take().At;
        var package = Path();
        var imports = new List<ImportTree>();
        var futureAt = default(Place?);
        var regoV1 = false;
        while (AtKeyword("import"))
        {
            Note(TokenRoles.Statement | TokenRoles.Import);
            Take();
            var import = Import();
            if (import.Path[0] == "rego")
            {
                regoV1 = true;
                if (!_v1 && futureAt is not null) throw Exclusive(import.At);
                _strict = _kwIf = _kwContains = _kwEvery = _kwIn = true;
            }
            else if (import.Path[0] == "future")
            {
                futureAt = import.At;
                if (!_v1 && regoV1) throw Exclusive(import.At);
                EnableFuture(import);
            }
            else
            {
                imports.Add(import);
            }
        }

        var rules = new List<RuleTree>();
        while (Here.Kind != TokenKind.End)
        {
            if (AtKeyword("import") || AtKeyword("package")) throw Unexpected();
            Rule(rules);
        }

        return new ModuleTree(file, package, packageAt, imports, rules, comments, _strict);
    }

    private static SyntaxException Exclusive(Place at) =>
        new("the `rego.v1` import and `future.keywords` imports are mutually exclusive", at);

    private List<string> Path()
    {
        if (Here.Kind != TokenKind.Name || (IsReserved(Here) && !StartsReference())) throw Unexpected("expected ident");
        var path = new List<string> { Take().Text };
        while (!Here.SpaceBefore)
        {
            if (TryTake("."))
            {
                if (Here.SpaceBefore || Here.Kind != TokenKind.Name) throw Unexpected("expected ident");
                path.Add(Take().Text);
            }
            else if (TryTake("[", TokenRoles.Index))
            {
                if (Here.Kind != TokenKind.Text) throw Unexpected("expected string");
                path.Add(Take().Text);
                Expect("]");
            }
            else
            {
                break;
            }
        }

        return path;
    }

    private ImportTree Import()
    {
        var at = Here.At;
        var path = Path();
        switch (path[0])
        {
            case "data" or "input": break;
            case "rego" when path.Count == 2 && path[1] == "v1": break;
            case "rego": throw new SyntaxException($"invalid import `{string.Join('.', path)}`, must be `rego.v1`", at);
            case "future" when path.Count is 2 or 3 && path[1] == "keywords": break;
            case "future": throw new SyntaxException("invalid import, must be `future.keywords`", at);
            default: throw new SyntaxException("unexpected import path, must begin with one of: {data, future, input, rego}, got: " + path[0], at);
        }

        var alias = path[^1];
        if (AtInfixKeyword("as"))
        {
            Take();
            if (Here.Kind != TokenKind.Name || IsReserved(Here)) throw Unexpected("expected var");
            alias = Take().Text;
        }

        return new ImportTree(path, alias, at);
    }

    private void EnableFuture(ImportTree import)
    {
        var keyword = import.Path.Count == 3 ? import.Path[2] : null;
        if (keyword is not (null or "contains" or "every" or "if" or "in"))
            throw new SyntaxException("unexpected keyword, must be one of [contains every if in]", import.At);
        _kwIf |= keyword is null or "if";
        _kwContains |= keyword is null or "contains";
        _kwEvery |= keyword is null or "every";
        _kwIn |= keyword is null or "in" or "every";
    }

    private void Rule(List<RuleTree> rules)
    {
        var at = Here.At;
        Note(TokenRoles.Statement);
        if (AtKeyword("default"))
        {
            Take();
            rules.Add(DefaultRule(at));
            return;
        }

        var headRef = HeadRef();
        List<Term>? args = null;
        if (Here.Is("(") && !Here.SpaceBefore)
        {
            Note(TokenRoles.Operands);
            Take();
            args = List(")");
            if (args.Count == 0) throw new SyntaxException("functions must have at least one argument", at);
        }

        Term? setKey = null;
        Term? value = null;
        if (args is null && _kwContains && AtInfixKeyword("contains"))
        {
            Take();
            setKey = Membership(pairs: false);
        }

        if (Here.Is(":=") || Here.Is("="))
        {
            if (setKey is not null) throw Unexpected("multi-value rules have no value");
            Take();
            value = Membership(pairs: true);
        }

        Bodies(rules, at, headRef, args, setKey, value);
    }

    private void Bodies(List<RuleTree> rules, Place at, List<Term> headRef, List<Term>? args, Term? setKey, Term? value)
    {
        var hasIf = _kwIf && AtInfixKeyword("if");
        var hasBraces = !hasIf && Here.Is("{");
        if (!hasIf && args is null && setKey is null && value is null && headRef.Count == 2)
        {
            // p[x] without a value is a partial set in the older syntax.
            if (_strict) throw new SyntaxException("`contains` keyword is required for partial set rules", at);
            setKey = headRef[1];
            headRef = [headRef[0]];
        }

        if (hasBraces && _strict) throw new SyntaxException("`if` keyword is required before rule body", at);
        if (!hasIf && !hasBraces)
        {
            if (value is null && setKey is null) throw new SyntaxException("rule must have value assignment and/or body declaration", at);
            rules.Add(new RuleTree(headRef, args, setKey, false, [new RuleClause(value, null, at)], at));
            return;
        }

        var clauses = new List<RuleClause> { new(value, hasIf ? IfBody() : BracesBody(), at) };
        var starts = new List<Place> { at };
        while (hasBraces && Here.Is("{"))
        {
            starts.Add(Here.At);
            clauses.Add(new RuleClause(value, BracesBody(), Here.At));
        }

        for (var i = 0; i < clauses.Count - 1; i++) rules.Add(new RuleTree(headRef, args, setKey, false, [clauses[i]], starts[i]));
        var chain = new List<RuleClause> { clauses[^1] };
        while (AtInfixKeyword("else"))
        {
            if (setKey is not null) throw new SyntaxException("else keyword cannot be used on multi-value rules", Here.At);
            if (headRef.Skip(1).Any(k => k is not ScalarTerm)) throw new SyntaxException("else keyword cannot be used on rules with variables in head", Here.At);
            chain.Add(Else());
        }

        rules.Add(new RuleTree(headRef, args, setKey, false, chain, starts[^1]));
    }

    private RuleClause Else()
    {
        Note(TokenRoles.Else);
        var at = Take().At;
        Term? value = null;
        if (Here.Is(":=") || Here.Is("="))
        {
            Take();
            value = Membership(pairs: true);
        }

        if (_kwIf && AtInfixKeyword("if")) return new RuleClause(value, IfBody(), at);
        if (Here.Is("{"))
        {
            if (_strict) throw new SyntaxException("`if` keyword is required before rule body", Here.At);
            return new RuleClause(value, BracesBody(), at);
        }

        if (value is null) throw new SyntaxException("else clause must have a value and/or a body", at);
        return new RuleClause(value, null, at);
    }

    private List<Term> HeadRef()
    {
        if (Here.Kind != TokenKind.Name) throw Unexpected("expected rule head");
        if (IsReserved(Here) && !StartsReference()) throw new SyntaxException($"{Here.Text} keyword cannot be used for rule name", Here.At);
        var first = Take();
        var head = new List<Term> { new VarTerm(first.Text, first.At) };
        while (!Here.SpaceBefore)
        {
            if (TryTake(".")) head.Add(DottedName());
            else if (TryTake("[", TokenRoles.Index)) head.Add(BracketKey());
            else break;
        }

        return head;
    }

    private RuleTree DefaultRule(Place at)
    {
        var headRef = HeadRef();
        List<Term>? args = null;
        if (Here.Is("(") && !Here.SpaceBefore)
        {
            Note(TokenRoles.Operands);
            Take();
            args = List(")");
            var names = args.Select(a => a is VarTerm v ? v.Name : throw new SyntaxException("illegal default rule (arguments cannot contain ref or value)", a.At));
            if (names.Where(n => n != "_").GroupBy(n => n).Any(g => g.Count() > 1))
                throw new SyntaxException("illegal default rule (arguments cannot be repeated)", at);
        }

        if (!Here.Is(":=") && !Here.Is("=")) throw Unexpected("expected assignment in default rule");
        Take();
        var value = Membership(pairs: false);
        CheckConstant(value);
        if (headRef.Skip(1).Any(k => k is not ScalarTerm)) throw new SyntaxException("default rules cannot have variables in their head", at);
        return new RuleTree(headRef, args, null, true, [new RuleClause(value, null, at)], at);
    }

    private static void CheckConstant(Term term)
    {
        switch (term)
        {
            case VarTerm: throw new SyntaxException("illegal default rule (value cannot contain var)", term.At);
            case RefTerm: throw new SyntaxException("illegal default rule (value cannot contain ref)", term.At);
            case CallTerm or TemplateTerm: throw new SyntaxException("illegal default rule (value cannot contain call)", term.At);
            case ArrayTerm a:
                foreach (var item in a.Items) CheckConstant(item);
                break;
            case SetTerm s:
                foreach (var item in s.Items) CheckConstant(item);
                break;
            case ObjectTerm o:
                foreach (var (key, value) in o.Pairs)
                {
                    CheckConstant(key);
                    CheckConstant(value);
                }

                break;
        }
    }
}
