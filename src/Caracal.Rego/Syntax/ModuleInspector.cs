using Caracal.Rego.Builtins;

namespace Caracal.Rego.Syntax;

/// <summary>Describes a module from its syntax tree.</summary>
internal sealed class ModuleInspector(ModuleTree module)
{
    private readonly SortedSet<string> _inputs = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _data = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _builtins = new(StringComparer.Ordinal);
    private readonly HashSet<string> _rules = [.. module.Rules.Select(r => r.Name)];

    private readonly Dictionary<string, IReadOnlyList<string>> _imports = module.Imports
        .GroupBy(i => i.Alias, StringComparer.Ordinal)
        .ToDictionary(g => g.Key, g => g.Last().Path, StringComparer.Ordinal);

    public ModuleInfo Inspect()
    {
        foreach (var rule in module.Rules)
        {
            foreach (var key in rule.HeadRef.Skip(1)) Visit(key);
            foreach (var arg in rule.Args ?? []) Visit(arg);
            Visit(rule.SetKey);
            foreach (var clause in rule.Clauses)
            {
                Visit(clause.Value);
                Visit(clause.Body ?? []);
            }
        }

        return new ModuleInfo
        {
            Package = string.Join('.', module.Package),
            Imports = [.. module.Imports.Select(i => string.Join('.', i.Path))],
            Rules = [.. module.Rules.Select(Describe)],
            InputPaths = [.. _inputs],
            DataPaths = [.. _data],
            Builtins = [.. _builtins],
            Comments = module.Comments,
        };
    }

    private static RegoRuleInfo Describe(RuleTree rule)
    {
        var names = rule.HeadRef.Skip(1).TakeWhile(k => k is ScalarTerm { Value.Kind: RegoKind.String }).ToList();
        var kind = rule.Args is not null ? RegoRuleKind.Function
            : rule.SetKey is not null ? RegoRuleKind.PartialSet
            : names.Count + 1 < rule.HeadRef.Count ? RegoRuleKind.PartialObject
            : RegoRuleKind.Complete;
        var name = rule.Name + string.Concat(names.Select(n => "." + ((ScalarTerm)n).Value.AsString()));
        return new RegoRuleInfo(name, kind, rule.IsDefault, rule.Args?.Count ?? 0, rule.At.Line, rule.HeadRef.Count == 1);
    }

    private void Visit(IEnumerable<Literal> body)
    {
        foreach (var literal in body)
        {
            foreach (var with in literal.With)
            {
                if (!NoteBuiltin(with.Target)) Visit(with.Target);
                if (!NoteBuiltin(with.Value)) Visit(with.Value);
            }

            switch (literal)
            {
                case ExpressionLiteral e:
                    Visit(e.Left);
                    Visit(e.Right);
                    break;
                case SomeInLiteral s:
                    Visit(s.Key);
                    Visit(s.Value);
                    Visit(s.Collection);
                    break;
                case EveryLiteral e:
                    Visit(e.Domain);
                    Visit(e.Body);
                    break;
            }
        }
    }

    private void Visit(Term? term)
    {
        switch (term)
        {
            case VarTerm v:
                NoteDocument(v, []);
                break;
            case RefTerm r:
                if (r.Head is VarTerm head) NoteDocument(head, r.Keys);
                else Visit(r.Head);
                foreach (var key in r.Keys) Visit(key);
                break;
            case CallTerm c:
                NoteBuiltin(c.Callee);
                foreach (var arg in c.Args) Visit(arg);
                break;
            case ArrayTerm a:
                foreach (var item in a.Items) Visit(item);
                break;
            case SetTerm s:
                foreach (var item in s.Items) Visit(item);
                break;
            case ObjectTerm o:
                foreach (var (key, value) in o.Pairs)
                {
                    Visit(key);
                    Visit(value);
                }

                break;
            case ComprehensionTerm c:
                Visit(c.Key);
                Visit(c.Value);
                Visit(c.Body);
                break;
            case TemplateTerm t:
                Visit(t.Parts.OfType<Literal>());
                break;
        }
    }

    private void NoteDocument(VarTerm head, IReadOnlyList<Term> keys)
    {
        IReadOnlyList<string>? start = head.Name is "input" or "data" ? [head.Name] : _imports.GetValueOrDefault(head.Name);
        if (start is null) return;
        var names = keys.TakeWhile(k => k is ScalarTerm { Value.Kind: RegoKind.String }).Select(k => ((ScalarTerm)k).Value.AsString());
        (start[0] == "data" ? _data : _inputs).Add(string.Join('.', start.Concat(names)));
    }

    /// <summary>Notes a builtin that is called or replaced; operators and syntax are not worth a mention.</summary>
    private bool NoteBuiltin(Term callee)
    {
        if (callee is not (VarTerm or RefTerm { Head: VarTerm })) return false;
        var head = callee as VarTerm ?? (VarTerm)((RefTerm)callee).Head;
        if (head.Name is "data" or "input" || _imports.ContainsKey(head.Name)) return false;
        if (callee is VarTerm && _rules.Contains(head.Name)) return false;
        var keys = callee is RefTerm r ? r.Keys : [];
        if (keys.Any(k => k is not ScalarTerm { Value.Kind: RegoKind.String })) return false;
        var name = string.Concat([head.Name, .. keys.Select(k => "." + ((ScalarTerm)k).Value.AsString())]);
        if (BuiltinTable.Find(name) is null || name.StartsWith("internal.", StringComparison.Ordinal)) return false;
        if (!Operators.IsOperator(name)) _builtins.Add(name);
        return true;
    }
}
