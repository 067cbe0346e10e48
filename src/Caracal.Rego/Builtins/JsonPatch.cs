using System.Globalization;
using Caracal.Rego.Evaluation;
using Caracal.Rego.Values;

namespace Caracal.Rego.Builtins;

/// <summary>RFC 6902 patches; they also reach into sets. A patch that does not apply is undefined.</summary>
internal static class JsonPatch
{
    public static void AddTo(BuiltinSet all) => all.Add("json.patch", ["any", "array"], Patch);

    private delegate RegoValue? Edit(RegoValue? current);

    private static RegoValue? Patch(in BuiltinCall c)
    {
        var value = c[0];
        foreach (var item in ((ArrayValue)c[1]).Span)
        {
            if (item is not ObjectValue operation) return c.WrongOperand(1, "array of objects", $"array containing {Builtin.KindName(item.Kind)}");
            if (operation.Find("op") is not StringValue { Text: var op }) return c.WrongType("operand 2: missing or invalid op");
            if (operation.Find("path") is not { Kind: RegoKind.String or RegoKind.Array } path) return c.WrongType("operand 2: missing or invalid path");
            var changed = Apply(c, value, op, operation, JsonPointer.Segments(path));
            if (changed is null) return null;
            value = changed;
        }

        return value;
    }

    private static RegoValue? Apply(in BuiltinCall c, RegoValue document, string op, ObjectValue operation, IReadOnlyList<RegoValue> path)
    {
        var ctx = c.Context;
        switch (op)
        {
            case "add": return operation.Find("value") is { } v ? Add(ctx, document, path, 0, v) : null;
            case "remove": return path.Count == 0 ? null : Remove(ctx, document, path, 0);
            case "replace":
                if (operation.Find("value") is not { } by || Get(document, path) is null) return null;
                return path.Count == 0 ? by : Replace(ctx, document, path, 0, by);
            case "test": return operation.Find("value") is { } wanted && Get(document, path) is { } found && found.Equals(wanted) ? document : null;
            case "move" or "copy":
                if (operation.Find("from") is not { Kind: RegoKind.String or RegoKind.Array } origin) return null;
                var from = JsonPointer.Segments(origin);
                if (Get(document, from) is not { } moved) return null;
                if (op == "copy") return Add(ctx, document, path, 0, moved);
                if (from.Count == 0) return path.Count == 0 ? document : null;
                return Remove(ctx, document, from, 0) is { } without ? Add(ctx, without, path, 0, moved) : null;
            default: return c.WrongType($"operand 2: unrecognized op '{op}'");
        }
    }

    private static RegoValue? Get(RegoValue document, IReadOnlyList<RegoValue> path)
    {
        RegoValue? value = document;
        foreach (var key in path)
        {
            value = value is ArrayValue a ? Index(key, a.Count - 1) is >= 0 and var i ? a[i] : null : value.Find(key);
            if (value is null) return null;
        }

        return value;
    }

    /// <summary>An array position up to the given one; negative when the key is none.</summary>
    private static int Index(RegoValue key, int most)
    {
        if (key.TryGetInt64(out var n)) return n >= 0 && n <= most ? (int)n : -1;
        if (key is not StringValue { Text: var text } || text.Length is 0 or > 9 || !text.All(char.IsAsciiDigit) || (text.Length > 1 && text[0] == '0')) return -1;
        var index = int.Parse(text, CultureInfo.InvariantCulture);
        return index <= most ? index : -1;
    }

    private static RegoValue? Add(EvalContext ctx, RegoValue document, IReadOnlyList<RegoValue> path, int at, RegoValue value)
    {
        if (at == path.Count) return value;
        if (at < path.Count - 1) return Inside(ctx, document, path[at], inner => Add(ctx, inner!, path, at + 1, value));
        var key = path[at];
        Charge(ctx, document);
        switch (document)
        {
            case ObjectValue o:
                var pairs = new ObjectBuilder(o.Count + 1);
                pairs.SetAll(o);
                pairs.Set(key, value);
                return pairs.Build();
            case ArrayValue a:
                var index = key is StringValue { Text: "-" } ? a.Count : Index(key, a.Count);
                return index < 0 ? null : new ArrayValue([.. a.Span[..index], value, .. a.Span[index..]]);
            case SetValue s when key.Equals(value): return Operators.Union(s, (SetValue)RegoValue.Set([value]));
            default: return null;
        }
    }

    private static RegoValue? Remove(EvalContext ctx, RegoValue document, IReadOnlyList<RegoValue> path, int at)
    {
        if (at < path.Count - 1) return Inside(ctx, document, path[at], inner => Remove(ctx, inner!, path, at + 1));
        var key = path[at];
        Charge(ctx, document);
        switch (document)
        {
            case ObjectValue o:
                if (o.Find(key) is null) return null;
                var pairs = new ObjectBuilder(o.Count);
                for (var i = 0; i < o.Count; i++)
                {
                    if (!o.KeyAt(i).Equals(key)) pairs.Set(o.KeyAt(i), o.ValueAt(i));
                }

                return pairs.Build();
            case ArrayValue a: return Index(key, a.Count - 1) is >= 0 and var index ? new ArrayValue([.. a.Span[..index], .. a.Span[(index + 1)..]]) : null;
            case SetValue s: return s.Contains(key) ? RegoValue.Set(s.Items.Where(m => !m.Equals(key))) : null;
            default: return null;
        }
    }

    private static RegoValue? Replace(EvalContext ctx, RegoValue document, IReadOnlyList<RegoValue> path, int at, RegoValue value) =>
        at == path.Count ? value : Inside(ctx, document, path[at], inner => Replace(ctx, inner!, path, at + 1, value));

    /// <summary>The document with one of its elements changed.</summary>
    private static RegoValue? Inside(EvalContext ctx, RegoValue document, RegoValue key, Edit edit)
    {
        Charge(ctx, document);
        switch (document)
        {
            case ObjectValue o:
                if (o.Find(key) is not { } item || edit(item) is not { } changed) return null;
                var pairs = new ObjectBuilder(o.Count);
                pairs.SetAll(o);
                pairs.Set(key, changed);
                return pairs.Build();
            case ArrayValue a:
                var index = Index(key, a.Count - 1);
                if (index < 0 || edit(a[index]) is not { } element) return null;
                RegoValue[] items = [.. a.Span];
                items[index] = element;
                return new ArrayValue(items);
            case SetValue s: return s.Contains(key) && edit(key) is { } member ? RegoValue.Set(s.Items.Where(m => !m.Equals(key)).Append(member)) : null;
            default: return null;
        }
    }

    private static void Charge(EvalContext ctx, RegoValue copied)
    {
        ctx.Charge(1 + (copied.Count / 4));
        ctx.ChargeMemory(64 + (copied.Count * 24L));
    }
}
