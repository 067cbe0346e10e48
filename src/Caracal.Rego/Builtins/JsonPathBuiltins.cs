using Caracal.Rego.Evaluation;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>Keeping and removing parts of documents by path.</summary>
internal static class JsonPathBuiltins
{
    public static void AddTo(BuiltinSet all)
    {
        all.Add("json.filter", ["object", "set|array"], static (in c) => Paths(c) is { } paths ? Keep(c.Context, c[0], paths) ?? ObjectValue.Empty : null);
        all.Add("json.remove", ["object", "set|array"], static (in c) => Paths(c) is { } paths ? Drop(c.Context, c[0], paths) : null);
    }

    /// <summary>Paths that share their beginnings.</summary>
    private sealed class PathTree
    {
        public Dictionary<RegoValue, PathTree> Below { get; } = [];

        public bool Ends { get; set; }

        public PathTree? Find(RegoValue key) =>
            Below.GetValueOrDefault(key) ?? (key is NumberValue n ? Below.GetValueOrDefault(RegoValue.String(n.Text)) : null);
    }

    private static PathTree? Paths(in BuiltinCall c)
    {
        var root = new PathTree();
        foreach (var item in Aggregates.Items(c[1]))
        {
            if (item is not (StringValue or ArrayValue))
            {
                c.WrongOperand(1, "one of {set, array} containing string paths or array of path segments", Builtin.KindName(item.Kind));
                return null;
            }

            c.Context.Tick();
            var node = root;
            foreach (var key in JsonPointer.Segments(item))
            {
                if (!node.Below.TryGetValue(key, out var next)) node.Below[key] = next = new PathTree();
                node = next;
            }

            node.Ends = true;
        }

        return root;
    }

    private static RegoValue? Keep(EvalContext ctx, RegoValue value, PathTree paths)
    {
        ctx.Charge(1 + (paths.Below.Count / 4));
        if (paths.Ends) return value;
        switch (value)
        {
            case ObjectValue o:
                var pairs = new ObjectBuilder();
                foreach (var (key, below) in paths.Below)
                {
                    if (o.Find(key) is { } item && Keep(ctx, item, below) is { } kept) pairs.Set(key, kept);
                }

                return pairs.Build();
            case ArrayValue a:
                var items = new List<RegoValue>();
                for (var i = 0; i < a.Count; i++)
                {
                    ctx.Tick();
                    if (paths.Find(NumberValue.From(i)) is { } below && Keep(ctx, a[i], below) is { } kept) items.Add(kept);
                }

                return new ArrayValue([.. items]);
            case SetValue s:
                var members = new SetBuilder();
                foreach (var (key, below) in paths.Below)
                {
                    if (s.Find(key) is { } member && Keep(ctx, member, below) is { } kept) members.Add(kept);
                }

                return members.Build();
            default: return paths.Below.Count == 0 ? value : null;
        }
    }

    private static RegoValue Drop(EvalContext ctx, RegoValue value, PathTree paths)
    {
        if (paths.Below.Count == 0) return value;
        ctx.Charge(1 + (value.Count / 4));
        switch (value)
        {
            case ObjectValue o:
                var pairs = new ObjectBuilder(o.Count);
                for (var i = 0; i < o.Count; i++)
                {
                    var below = paths.Below.GetValueOrDefault(o.KeyAt(i));
                    if (below is not { Ends: true }) pairs.Set(o.KeyAt(i), below is null ? o.ValueAt(i) : Drop(ctx, o.ValueAt(i), below));
                }

                return pairs.Build();
            case ArrayValue a:
                var items = new List<RegoValue>();
                for (var i = 0; i < a.Count; i++)
                {
                    var below = paths.Find(NumberValue.From(i));
                    if (below is not { Ends: true }) items.Add(below is null ? a[i] : Drop(ctx, a[i], below));
                }

                return new ArrayValue([.. items]);
            case SetValue s:
                var members = new SetBuilder();
                for (var i = 0; i < s.Count; i++)
                {
                    var below = paths.Below.GetValueOrDefault(s.MemberAt(i));
                    if (below is not { Ends: true }) members.Add(below is null ? s.MemberAt(i) : Drop(ctx, s.MemberAt(i), below));
                }

                return members.Build();
            default: return value;
        }
    }
}

/// <summary>Paths as text with slashes, or as arrays of keys.</summary>
internal static class JsonPointer
{
    public static IReadOnlyList<RegoValue> Segments(RegoValue path)
    {
        if (path is ArrayValue a) return a.Items;
        var text = ((StringValue)path).Text;
        if (text.Length == 0) return [];
        if (text[0] == '/') text = text[1..];
        return [.. text.Split('/').Select(p => RegoValue.String(p.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)))];
    }
}
