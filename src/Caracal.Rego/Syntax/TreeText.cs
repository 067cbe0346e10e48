using System.Text;

namespace Caracal.Rego.Syntax;

/// <summary>Writes a syntax tree without its places: two texts with the same writing mean the same.</summary>
internal sealed class TreeText
{
    private readonly StringBuilder _out = new();

    public static string Of(ModuleTree module)
    {
        var text = new TreeText();
        text.Module(module);
        return text._out.ToString();
    }

    private void Module(ModuleTree module)
    {
        Names("package", module.Package);
        _out.Append(module.IsV1 ? " v1" : " v0");
        foreach (var import in module.Imports)
        {
            Names("\nimport", import.Path);
            _out.Append(" as ").Append(import.Alias);
        }

        foreach (var rule in module.Rules)
        {
            _out.Append(rule.IsDefault ? "\ndefault" : "\nrule");
            All(rule.HeadRef);
            if (rule.Args is { } args) All(args, " (", ")");
            if (rule.SetKey is { } key) All([key], " contains");
            foreach (var clause in rule.Clauses)
            {
                _out.Append("\n  clause");
                if (clause.Value is { } value) All([value], " :=");
                if (clause.Body is { } body) Body(body);
            }
        }
    }

    private void Names(string word, IReadOnlyList<string> names)
    {
        _out.Append(word);
        foreach (var name in names) _out.Append(' ').Append(RegoValue.String(name).ToJson());
    }

    private void Body(IReadOnlyList<Literal> body)
    {
        _out.Append(" {");
        foreach (var literal in body) Literal(literal);
        _out.Append(" }");
    }

    private void Literal(Literal literal)
    {
        _out.Append(" <");
        switch (literal)
        {
            case ExpressionLiteral e:
                _out.Append(e.Negated ? "not" : "is");
                Term(e.Left);
                if (e.Right is null) break;
                _out.Append(e.Declares ? " :=" : " =");
                Term(e.Right);
                break;
            case SomeLiteral s:
                All(s.Names, "some");
                break;
            case SomeInLiteral s:
                All([s.Value, s.Collection], "some");
                if (s.Key is { } key) All([key], " key");
                break;
            case EveryLiteral e:
                All([e.Value, e.Domain], "every");
                if (e.Key is { } name) All([name], " key");
                Body(e.Body);
                break;
        }

        foreach (var with in literal.With) All([with.Target, with.Value], " with");
        _out.Append('>');
    }

    private void All(IEnumerable<Term> terms, string open = "", string close = "")
    {
        _out.Append(open);
        foreach (var term in terms) Term(term);
        _out.Append(close);
    }

    private void Term(Term term)
    {
        _out.Append(' ');
        switch (term)
        {
            case ScalarTerm s: _out.Append(s.Value); break;
            case VarTerm v: _out.Append('?').Append(v.Name); break;
            case RefTerm r: All([r.Head, .. r.Keys], "ref(", ")"); break;
            case CallTerm c: All([c.Callee, .. c.Args], "call(", ")"); break;
            case ArrayTerm a: All(a.Items, "array(", ")"); break;
            case SetTerm s: All(s.Items, "set(", ")"); break;
            case ObjectTerm o: All(o.Pairs.SelectMany(p => new[] { p.Key, p.Value }), "object(", ")"); break;
            case ComprehensionTerm c:
                All(c.Key is { } key ? [key, c.Value] : [c.Value], $"{c.Kind}(");
                Body(c.Body);
                _out.Append(')');
                break;
            case TemplateTerm t:
                _out.Append("template(");
                foreach (var part in t.Parts)
                {
                    if (part is Literal literal) Literal(literal);
                    else _out.Append(' ').Append(RegoValue.String((string)part).ToJson());
                }

                _out.Append(')');
                break;
        }
    }
}
