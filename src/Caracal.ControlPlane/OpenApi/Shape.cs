using System.Text.Json;

namespace Caracal.ControlPlane.OpenApi;

/// <summary>A type as JSON Schema 2020-12, the dialect of OpenAPI 3.1.</summary>
internal abstract record Shape
{
    public abstract void Write(Utf8JsonWriter writer);

    /// <summary>Writes the members of a schema object.</summary>
    protected static void Object(Utf8JsonWriter writer, Action<Utf8JsonWriter> members)
    {
        writer.WriteStartObject();
        members(writer);
        writer.WriteEndObject();
    }
}

/// <summary>A plain type, with bounds where it has some.</summary>
internal sealed record PlainShape(string Type, long? Least, long? Most) : Shape
{
    public override void Write(Utf8JsonWriter writer) => Object(writer, schema =>
    {
        if (Type == "any") return;
        schema.WriteString("type", Type == "time" ? "string" : Type);
        if (Type == "time") schema.WriteString("format", "date-time");
        var (least, most) = Type == "string" ? ("minLength", "maxLength") : ("minimum", "maximum");
        if (Least is { } low) schema.WriteNumber(least, low);
        if (Most is { } high) schema.WriteNumber(most, high);
    });
}

/// <summary>One of several texts.</summary>
internal sealed record WordsShape(IReadOnlyList<string> Words) : Shape
{
    public override void Write(Utf8JsonWriter writer) => Object(writer, schema =>
    {
        schema.WriteString("type", "string");
        schema.WriteStartArray("enum");
        foreach (var word in Words) schema.WriteStringValue(word);
        schema.WriteEndArray();
    });
}

/// <summary>A type or null.</summary>
internal sealed record NullableShape(Shape Inner) : Shape
{
    public override void Write(Utf8JsonWriter writer) => Object(writer, schema =>
    {
        schema.WriteStartArray("anyOf");
        Inner.Write(schema);
        Object(schema, nothing => nothing.WriteString("type", "null"));
        schema.WriteEndArray();
    });
}

/// <summary>A list.</summary>
internal sealed record ListShape(Shape Member, long? Least, long? Most) : Shape
{
    public override void Write(Utf8JsonWriter writer) => Object(writer, schema =>
    {
        schema.WriteString("type", "array");
        schema.WritePropertyName("items");
        Member.Write(schema);
        if (Least is { } low) schema.WriteNumber("minItems", low);
        if (Most is { } high) schema.WriteNumber("maxItems", high);
    });
}

/// <summary>The envelope of a list (api.md 1.2).</summary>
internal sealed record PageShape(Shape Member) : Shape
{
    public override void Write(Utf8JsonWriter writer) =>
        new ObjectShape([new Member("items", new ListShape(Member, null, null), true), new Member("next_cursor", new NullableShape(new PlainShape("string", null, null)), true)])
            .Write(writer);
}

/// <summary>A type that has a name of its own.</summary>
internal sealed record NamedShape(string Name) : Shape
{
    public override void Write(Utf8JsonWriter writer) => Object(writer, schema => schema.WriteString("$ref", $"#/components/schemas/{Name}"));
}

/// <summary>A member of an object.</summary>
internal sealed record Member(string Name, Shape Shape, bool Required);

/// <summary>An object with exactly these members.</summary>
internal sealed record ObjectShape(IReadOnlyList<Member> Members) : Shape
{
    public override void Write(Utf8JsonWriter writer) => Object(writer, schema =>
    {
        schema.WriteString("type", "object");
        schema.WriteStartObject("properties");
        foreach (var member in Members)
        {
            schema.WritePropertyName(member.Name);
            member.Shape.Write(schema);
        }

        schema.WriteEndObject();
        schema.WriteStartArray("required");
        foreach (var member in Members.Where(member => member.Required)) schema.WriteStringValue(member.Name);
        schema.WriteEndArray();
    });
}
