using Caracal.Rego.Values;

namespace Caracal.Rego;

/// <summary>Builds an object value pair by pair; of two equal keys the last one wins.</summary>
public sealed class RegoObjectBuilder
{
    private readonly ObjectBuilder _builder;

    /// <summary>A builder with room for the given number of pairs.</summary>
    public RegoObjectBuilder(int capacity = 4) => _builder = new ObjectBuilder(capacity);

    /// <summary>Adds a pair.</summary>
    public RegoObjectBuilder Add(string key, RegoValue value)
    {
        _builder.Set(KeyNames.Get(key), value);
        return this;
    }

    /// <summary>Adds a string under a key.</summary>
    public RegoObjectBuilder Add(string key, string value) => Add(key, RegoValue.String(value));

    /// <summary>Adds a pair whose key is already a value; hot paths keep their keys in static fields.</summary>
    public RegoObjectBuilder Add(RegoValue key, RegoValue value)
    {
        _builder.Set(key, value);
        return this;
    }

    /// <summary>The finished object. The builder must not be used afterwards.</summary>
    public RegoValue Build() => _builder.Build();
}
