using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Reachability in graphs given as node → neighbours.</summary>
internal static class GraphBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("graph.reachable", ["object", "array|set"], Reachable);
        all.Add("graph.reachable_paths", ["object", "array|set"], ReachablePaths);
    }

    private static SetValue Reachable(in BuiltinCall c)
    {
        var graph = (ObjectValue)c[0];
        var reached = new SetBuilder();
        var work = new Queue<RegoValue>(Neighbours(c[1]));
        while (work.TryDequeue(out var node))
        {
            c.Context.Tick();
            if (graph.Find(node) is not { } edges || !reached.Add(node)) continue;
            foreach (var next in Neighbours(edges)) work.Enqueue(next);
            c.Context.ChargeMemory(edges.Count * 8L);
        }

        return reached.Build();
    }

    /// <summary>
    /// Paths from each root. A path ends at a node without edges, before a node outside the graph, and at a node
    /// whose next one has been passed already on the way from this edge of the root; so the work stays linear.
    /// </summary>
    private static SetValue ReachablePaths(in BuiltinCall c)
    {
        var graph = (ObjectValue)c[0];
        var ctx = c.Context;
        var paths = new SetBuilder();
        foreach (var root in Neighbours(c[1]))
        {
            if (graph.Find(root) is not { } edges) continue;
            if (edges.Count == 0) Emit([root]);
            foreach (var first in Neighbours(edges)) Follow(root, first);
        }

        return paths.Build();

        void Follow(RegoValue root, RegoValue first)
        {
            var passed = new HashSet<RegoValue> { root };
            var path = new List<RegoValue> { root };
            var work = new Stack<IEnumerator<RegoValue>>();
            Enter(first);
            while (work.Count > 0)
            {
                ctx.Tick();
                if (!work.Peek().MoveNext())
                {
                    work.Pop();
                    path.RemoveAt(path.Count - 1);
                    continue;
                }

                var next = work.Peek().Current;
                if (passed.Contains(next))
                {
                    Emit(path);
                    continue;
                }

                passed.Add(path[^1]);
                Enter(next);
            }

            void Enter(RegoValue node)
            {
                if (graph.Find(node) is not { } below)
                {
                    Emit(path);
                    return;
                }

                path.Add(node);
                if (below.Count == 0) Emit(path);
                work.Push(Neighbours(below).GetEnumerator());
            }
        }

        void Emit(List<RegoValue> path)
        {
            ctx.Charge(1 + (path.Count / 8));
            if (!paths.Add(new ArrayValue([.. path]))) return;
            ctx.ChargeMemory(64 + (path.Count * 8L));
            ctx.CheckCollection(paths.Count);
        }
    }

    private static IReadOnlyList<RegoValue> Neighbours(RegoValue edges) => edges is ArrayValue or SetValue ? edges.Items : [];
}
