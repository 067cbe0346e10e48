using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>Sorts the rules of all modules into one tree and checks that they fit together.</summary>
internal sealed class RuleTreeBuilder(CompileErrors errors)
{
    private readonly List<(TreeNode Node, RuleSource Source)> _dynamic = [];
    private int _slots;

    public TreeNode Root { get; private set; } = null!;

    public List<RuleGroup> Groups { get; } = [];

    public int SlotCount => _slots;

    /// <summary>For each package the first names of its rules, over all modules.</summary>
    public Dictionary<string, HashSet<string>> Names { get; } = new(StringComparer.Ordinal);

    public void Build(IReadOnlyList<ModuleTree> modules)
    {
        Root = new TreeNode(null, null, _slots++);
        foreach (var module in modules)
        {
            var package = Root;
            foreach (var part in module.Package) package = Child(package, RegoValue.String(part));
            package.IsPackage = true;
            var key = string.Join('\n', module.Package);
            if (!Names.TryGetValue(key, out var names)) Names[key] = names = new(StringComparer.Ordinal);
            foreach (var rule in module.Rules)
            {
                names.Add(rule.Name);
                Place(package, rule, module);
            }
        }

        foreach (var (node, source) in _dynamic) PlaceDynamic(node, source);
        Check(Root, null);
    }

    private TreeNode Child(TreeNode node, RegoValue key)
    {
        if (node.Children.TryGetValue(key, out var child)) return child;
        return node.Children[key] = new TreeNode(node, key, _slots++);
    }

    private void Place(TreeNode package, RuleTree rule, ModuleTree module)
    {
        var node = Child(package, RegoValue.String(rule.Name));
        var used = 1;
        while (used < rule.HeadRef.Count && Constant(rule.HeadRef[used]) is { } key)
        {
            node = Child(node, key);
            used++;
        }

        var source = new RuleSource(rule, module, [.. rule.HeadRef.Skip(used)]);
        if (source.DynamicKeys.Count > 0 && rule.Args is null)
        {
            _dynamic.Add((node, source));
            return;
        }

        if (source.DynamicKeys.Count > 0)
        {
            errors.Add(Phase.Tree, "rego_type_error", $"function {node.Name} must not have variables in its name", module.File, rule.At);
            return;
        }

        var kind = rule.Args is not null ? GroupKind.Function : rule.SetKey is not null ? GroupKind.Set : GroupKind.Complete;
        var group = node.Group ??= NewGroup(node, kind, rule);
        if (group.Kind != kind || group.Arity != (rule.Args?.Count ?? 0))
        {
            Conflict(node, source);
            return;
        }

        AddTo(group, source);
    }

    private void PlaceDynamic(TreeNode node, RuleSource source)
    {
        var group = node.Group ??= NewGroup(node, GroupKind.Object, source.Tree);
        if (group.Kind != GroupKind.Object) Conflict(node, source);
        else AddTo(group, source);
    }

    private void AddTo(RuleGroup group, RuleSource source)
    {
        if (!source.Tree.IsDefault)
        {
            group.Sources.Add(source);
            return;
        }

        if (group.DefaultSource is not null)
            errors.Add(Phase.Tree, "rego_type_error", $"multiple default rules {group.Name} found", source.Module.File, source.Tree.At);
        group.DefaultSource ??= source;
    }

    private void Conflict(TreeNode node, RuleSource source) =>
        errors.Add(Phase.Tree, "rego_type_error", $"conflicting rules {node.Name} found", source.Module.File, source.Tree.At);

    private RuleGroup NewGroup(TreeNode node, GroupKind kind, RuleTree rule)
    {
        var group = new RuleGroup(node, kind, _slots++) { Arity = rule.Args?.Count ?? 0 };
        Groups.Add(group);
        return group;
    }

    private static RegoValue? Constant(Term term) => term is ScalarTerm s ? s.Value : ConstantTerms.Fold(term);

    private void Check(TreeNode node, RuleGroup? above)
    {
        if (node.IsPackage && (node.Document ?? above) is { } rule)
        {
            var source = rule.Sources.FirstOrDefault() ?? rule.DefaultSource!;
            errors.Add(Phase.Tree, "rego_type_error", $"package {node.Name["data.".Length..]} conflicts with rule {rule.Name} defined at {source.Module.File}:{source.Tree.At.Line}", source.Module.File, source.Tree.At);
        }
        else if (node.Group is { Kind: not GroupKind.Object } group && node.Children.Count > 0)
        {
            var below = Descendants(node).Select(g => g.Name).Order(StringComparer.Ordinal).ToList();
            var source = group.Sources.FirstOrDefault() ?? group.DefaultSource!;
            if (below.Count > 0)
                errors.Add(Phase.Tree, "rego_type_error", $"rule {group.Name} conflicts with [{string.Join(' ', below)}]", source.Module.File, source.Tree.At);
        }

        foreach (var child in node.Children.Values) Check(child, node.Document ?? above);
    }

    private static IEnumerable<RuleGroup> Descendants(TreeNode node)
    {
        foreach (var child in node.Children.Values)
        {
            if (child.Group is not null) yield return child.Group;
            foreach (var below in Descendants(child)) yield return below;
        }
    }
}
