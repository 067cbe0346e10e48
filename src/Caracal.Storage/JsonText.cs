namespace Caracal.Storage;

/// <summary>Text that is a JSON document, so that it is bound as such (jsonb on PostgreSQL, TEXT on SQLite).</summary>
/// <param name="Value">The JSON text.</param>
public readonly record struct JsonText(string Value)
{
    public override string ToString() => Value;
}
