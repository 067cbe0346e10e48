using Caracal.Rego.Compilation;
using Caracal.Rego.Numbers;
using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>A place under <c>data</c> that may hold rules, base data and replacements; stands in for its value while keys are looked up.</summary>
internal sealed class DataCursor(TreeNode? node, RegoValue? document, Overlay? overlay) : RegoValue
{
    private static readonly SourcePlace s_merge = SourcePlace.None;

    public override RegoKind Kind => throw new InvalidOperationException("a place is not a value");

    public override bool Equals(RegoValue? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => 0;

    public static DataCursor Root(EvalContext ctx) => new(ctx.Policy.Plan.Root, ctx.Policy.Data, ctx.Layer.Data);

    /// <summary>The value or the place below a key; null when there is nothing.</summary>
    public RegoValue? Get(EvalContext ctx, RegoValue key)
    {
        if (overlay?.Value is { } all) return all.Find(key);
        var over = overlay?.Child(key);
        if (over?.Value is { } replaced) return replaced;
        var child = node?.Child(key);
        var below = FindBase(document, key);
        if (child is null)
        {
            if (over is null) return below is { Kind: >= RegoKind.Array } ? new DataCursor(null, below, null) : below;
            return new DataCursor(null, below, over);
        }

        if (child.Document is { } group)
        {
            var value = ctx.ValueOf(group);
            if (over is null) return value;
            var under = new DataCursor(null, below, over).Value(ctx);
            return Merge(value as ObjectValue, under) ?? value ?? under;
        }

        return child.IsFunctionOnly ? over is null ? below : new DataCursor(null, below, over) : new DataCursor(child, below, over);
    }

    /// <summary>The full value of this place.</summary>
    public RegoValue? Value(EvalContext ctx)
    {
        if (overlay?.Value is { } all) return all;
        if (node is null && overlay is null) return document;
        if (node is not null && overlay is null) return ctx.ValueOf(node, document);
        return Compose(ctx);
    }

    public RegoValue? Compose(EvalContext ctx)
    {
        if (node is null && document is not null and not ObjectValue)
            throw new EvalException("eval_with_merge_error", "real and replacement data could not be merged", s_merge);
        var builder = new ObjectBuilder();
        if (document is ObjectValue o) builder.SetAll(o);
        foreach (var key in Below())
        {
            ctx.Tick();
            var value = Get(ctx, key);
            if (value is DataCursor c) value = c.Value(ctx);
            if (value is null) continue;
            // In a full document base data stands before what rules define; a reference to the key itself gets the rule.
            if (overlay?.Child(key) is null && builder.Find(key) is { } known && node?.Child(key)?.Document is not null) value = Merge(known as ObjectValue, value) ?? known;
            builder.Set(key, value);
        }

        ctx.ChargeMemory(64 + (builder.Count * 24L));
        return builder.Build();
    }

    /// <summary>All keys here, each once, ascending.</summary>
    public RegoValue[] Keys()
    {
        if (overlay?.Value is { } all) return KeysOf(all);
        if (node is null && overlay is null) return document is null ? [] : KeysOf(document);
        var keys = new SetBuilder();
        if (document is ObjectValue o)
        {
            for (var i = 0; i < o.Count; i++) keys.Add(o.KeyAt(i));
        }

        foreach (var key in Below()) keys.Add(key);
        return keys.Build().Sorted;
    }

    private IEnumerable<RegoValue> Below()
    {
        if (node is not null)
        {
            foreach (var (key, child) in node.Children)
            {
                if (!child.IsFunctionOnly) yield return key;
            }
        }

        if (overlay is null) yield break;
        foreach (var (key, _) in overlay.Children)
        {
            if (node?.Child(key) is null) yield return key;
        }
    }

    private static RegoValue[] KeysOf(RegoValue value)
    {
        switch (value)
        {
            case ObjectValue o: return [.. o.Properties.Select(p => p.Key)];
            case SetValue s: return s.Sorted;
            case ArrayValue a:
                var keys = new RegoValue[a.Count];
                for (var i = 0; i < keys.Length; i++) keys[i] = NumberValue.From(i);
                return keys;
            default: return [];
        }
    }

    private static RegoValue? Merge(ObjectValue? over, RegoValue? under)
    {
        if (over is null) return null;
        if (under is not ObjectValue u) return over;
        var builder = new ObjectBuilder();
        builder.SetAll(u);
        builder.SetAll(over);
        return builder.Build();
    }

    /// <summary>Base objects also answer to integers, by their text.</summary>
    public static RegoValue? FindBase(RegoValue? document, RegoValue key)
    {
        if (document is null) return null;
        var found = document.Find(key);
        if (found is null && document is ObjectValue o && key is NumberValue { IsInteger: true } n) found = o.Find(n.Text);
        return found;
    }
}
