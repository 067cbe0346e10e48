namespace Caracal.Streams;

/// <summary>One message of a stream: a flat map of names to text (streams.md 1).</summary>
/// <param name="Topic">The stream it lives in.</param>
/// <param name="Id"><c>milliseconds-sequence</c>, rising within the topic.</param>
/// <param name="Fields">Name and value, in the order in which they were appended.</param>
public sealed record StreamEntry(string Topic, string Id, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    /// <summary>The milliseconds part of the id: when it was appended.</summary>
    public long Milliseconds => long.Parse(Id.AsSpan(0, Id.IndexOf('-', StringComparison.Ordinal)));

    /// <summary>The field's value; null when absent, empty, or the text <c>null</c>, which all mean "no value" (streams.md 3).</summary>
    public string? Value(string name)
    {
        foreach (var (key, value) in Fields)
        {
            if (string.Equals(key, name, StringComparison.Ordinal))
            {
                return value is "" or "null" ? null : value;
            }
        }

        return null;
    }
}
