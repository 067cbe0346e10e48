using System.Text.Json.Nodes;

namespace Caracal.Cli.KeyRotation;

/// <summary>An application whose mandates carried a key, as the ledger tells.</summary>
internal sealed class KeyUser(string id, string name)
{
    public string Id => id;

    public string Name => name;

    public long Events { get; private set; }

    public HashSet<string> Sessions { get; } = new(StringComparer.Ordinal);

    public HashSet<string> Resources { get; } = new(StringComparer.Ordinal);

    /// <summary>Time of its first exchange; empty before one was added.</summary>
    public string First { get; private set; } = "";

    public string Last { get; private set; } = "";

    public void Add(string at, string? session, string? resource)
    {
        Events++;
        if (session is not null) Sessions.Add(session);
        if (resource is not null) Resources.Add(resource);

        // Times of one form sort as texts.
        if (First.Length == 0 || string.CompareOrdinal(at, First) < 0) First = at;
        if (string.CompareOrdinal(at, Last) > 0) Last = at;
    }

    public JsonObject ToJson() => new()
    {
        ["application_id"] = id,
        ["application_name"] = name,
        ["exchanges"] = Events,
        ["sessions"] = new JsonArray([.. Sessions.Order(StringComparer.Ordinal).Select(session => (JsonNode)session)]),
        ["resources"] = new JsonArray([.. Resources.Order(StringComparer.Ordinal).Select(resource => (JsonNode)resource)]),
        ["first"] = First,
        ["last"] = Last,
    };
}
