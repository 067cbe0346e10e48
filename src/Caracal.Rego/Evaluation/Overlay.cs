using Caracal.Rego.Values;

namespace Caracal.Rego.Evaluation;

/// <summary>Values that replace parts of a document; a node holds a value or children, never both.</summary>
internal sealed class Overlay
{
    private readonly Dictionary<RegoValue, Overlay>? _children;

    private Overlay(RegoValue? value, Dictionary<RegoValue, Overlay>? children)
    {
        Value = value;
        _children = children;
    }

    public RegoValue? Value { get; }

    public IEnumerable<KeyValuePair<RegoValue, Overlay>> Children => _children ?? [];

    public Overlay? Child(RegoValue key) => _children?.GetValueOrDefault(key);

    /// <summary>This overlay with one more replacement; what stood at or below the path is gone.</summary>
    public static Overlay Put(Overlay? at, ReadOnlySpan<RegoValue> path, RegoValue value)
    {
        if (path.IsEmpty) return new Overlay(value, null);
        if (at?.Value is { } below) return new Overlay(DocumentEdit.Put(below, path, value), null);
        var children = at?._children is { } known ? new Dictionary<RegoValue, Overlay>(known) : [];
        children[path[0]] = Put(children.GetValueOrDefault(path[0]), path[1..], value);
        return new Overlay(null, children);
    }
}

/// <summary>Replaces one place in a value.</summary>
internal static class DocumentEdit
{
    /// <summary>The document with the value at the path; what is not an object on the way becomes one.</summary>
    public static RegoValue Put(RegoValue? document, ReadOnlySpan<RegoValue> path, RegoValue value)
    {
        if (path.IsEmpty) return value;
        var builder = new ObjectBuilder();
        if (document is ObjectValue o) builder.SetAll(o);
        builder.Set(path[0], Put(builder.Find(path[0]), path[1..], value));
        return builder.Build();
    }
}
