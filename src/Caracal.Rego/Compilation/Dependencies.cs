using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

/// <summary>What rules depend on: finds recursion and the rules whose value never changes.</summary>
internal sealed class Dependencies(TreeNode root, IReadOnlyList<RuleGroup> groups, Action checkTime)
{
    private readonly Dictionary<RuleGroup, HashSet<RuleGroup>> _edges = [];

    public void Build()
    {
        foreach (var group in groups)
        {
            checkTime();
            var reached = new HashSet<RuleGroup>(group.Uses.Groups);
            foreach (var path in group.Uses.DataPaths) Reach(root, path, 0, reached);
            // A document with keys in its heads holds every rule below it.
            if (group.Kind == GroupKind.Object)
            {
                foreach (var child in group.Node.Children.Values) Below(child, reached);
            }

            _edges[group] = reached;
        }
    }

    public void CheckRecursion(CompileErrors errors)
    {
        var done = new HashSet<RuleGroup>();
        var path = new List<RuleGroup>();
        var onPath = new HashSet<RuleGroup>();
        foreach (var start in groups)
        {
            // An explicit stack: long chains of rules must not exhaust the thread's.
            var work = new Stack<IEnumerator<RuleGroup>>();
            if (!done.Contains(start)) Push(start);
            while (work.Count > 0)
            {
                checkTime();
                var top = work.Peek();
                if (!top.MoveNext())
                {
                    work.Pop();
                    done.Add(path[^1]);
                    onPath.Remove(path[^1]);
                    path.RemoveAt(path.Count - 1);
                    continue;
                }

                var next = top.Current;
                if (onPath.Contains(next)) Report(next, path, errors);
                else if (!done.Contains(next)) Push(next);
            }

            void Push(RuleGroup group)
            {
                path.Add(group);
                onPath.Add(group);
                work.Push(_edges[group].GetEnumerator());
            }
        }
    }

    /// <summary>Marks the groups and nodes whose value is the same in every evaluation.</summary>
    public void MarkConstants(IReadOnlyList<IrWith> replaced)
    {
        var varying = new HashSet<RuleGroup>();
        foreach (var group in groups)
        {
            if (group.Uses.Varies || replaced.Any(w => Touches(group, w))) varying.Add(group);
        }

        var users = new Dictionary<RuleGroup, List<RuleGroup>>();
        foreach (var (group, reached) in _edges)
        {
            foreach (var used in reached)
            {
                if (!users.TryGetValue(used, out var list)) users[used] = list = [];
                list.Add(group);
            }
        }

        var work = new Stack<RuleGroup>(varying);
        while (work.TryPop(out var group))
        {
            foreach (var user in users.GetValueOrDefault(group) ?? [])
            {
                if (varying.Add(user)) work.Push(user);
            }
        }

        foreach (var group in groups)
        {
            group.IsConstant = group.Kind != GroupKind.Function && !varying.Contains(group);
            group.IsPure = group.Kind == GroupKind.Function && !varying.Contains(group);
        }

        var targets = replaced.Where(w => w.Kind == WithKind.Data).Select(w => w.Path).ToList();
        MarkNode(root, targets, 0);
    }

    private static bool Touches(RuleGroup group, IrWith with) => with.Kind switch
    {
        WithKind.Data => group.Uses.DataPaths.Any(p => p.Zip(with.Path).All(pair => pair.First is null || pair.First.Equals(pair.Second))),
        WithKind.Builtin => group.Uses.Builtins.Contains(with.Builtin!.Name),
        WithKind.Function => group.Uses.Groups.Contains(with.Function!),
        _ => false,
    };

    private static bool MarkNode(TreeNode node, List<IReadOnlyList<RegoValue>> targets, int depth)
    {
        var constant = targets.Count == 0;
        foreach (var (key, child) in node.Children)
        {
            var below = targets.Where(t => t.Count > depth && t[depth].Equals(key)).ToList();
            constant &= MarkNode(child, below, depth + 1);
        }

        if (node.Document is { } group) constant &= group.IsConstant;
        return node.IsConstant = constant;
    }

    private static void Reach(TreeNode node, IReadOnlyList<RegoValue?> path, int at, HashSet<RuleGroup> into)
    {
        if (node.Document is { } group)
        {
            into.Add(group);
            return;
        }

        if (at == path.Count)
        {
            foreach (var child in node.Children.Values) Below(child, into);
        }
        else if (path[at] is { } key)
        {
            if (node.Child(key) is { } child) Reach(child, path, at + 1, into);
        }
        else
        {
            foreach (var child in node.Children.Values) Reach(child, path, at + 1, into);
        }
    }

    private static void Below(TreeNode node, HashSet<RuleGroup> into)
    {
        if (node.Document is { } group) into.Add(group);
        foreach (var child in node.Children.Values) Below(child, into);
    }

    private static void Report(RuleGroup group, List<RuleGroup> path, CompileErrors errors)
    {
        var cycle = path.Skip(path.IndexOf(group)).Append(group).Select(g => g.Name);
        var source = group.Sources.FirstOrDefault() ?? group.DefaultSource!;
        errors.Add(Phase.Recursion, "rego_recursion_error", $"rule {group.Name} is recursive: {string.Join(" -> ", cycle)}", source.Module.File, source.Tree.At);
    }
}
