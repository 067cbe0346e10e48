using System.Text.Json;
using Caracal.Rego;

namespace Caracal.Authority.Policies;

/// <summary>
/// The policy input of a recorded decision, rebuilt from its event's metadata (sts.md 10.3 and 11) and what is kept beside
/// the ledger for this purpose: what policy was asked then, as far as that goes. Whoever uses it asks the policy of that time first, and believes the rebuilt input
/// only where the old answer comes back.
/// </summary>
public static class RecordedInput
{
    /// <param name="zoneId">The event's zone.</param>
    /// <param name="metadata">Its metadata, an object.</param>
    /// <param name="kept">What is kept for replays, an object; null with an event of a version that kept all of it in the metadata.</param>
    /// <param name="resource">The resource as it is registered now, for such an event; null when it is gone.</param>
    public static RegoValue Of(string zoneId, JsonElement metadata, JsonElement? kept, (string Id, IReadOnlyList<string> Scopes)? resource)
    {
        var scopes = Texts(metadata, "requested_scopes");
        var seen = kept ?? metadata;
        if (kept is { } then) resource = (Text(then, "resource_id") ?? "", Texts(then, "resource_scopes"));
        var input = new RegoObjectBuilder(7)
            .Add("schema_version", PolicyContent.SchemaVersion)
            .Add("principal", Principal(zoneId, metadata))
            .Add("resource", Resource(Text(metadata, "resource") ?? "", resource, scopes))
            .Add("action", Action(metadata, seen))
            .Add("context", Context(metadata, seen, scopes));
        if (Text(metadata, "session_id") is { } record) input.Add("session", new RegoObjectBuilder(1).Add("id", record).Build());
        if (Text(metadata, "delegation_edge_id") is { } edge)
        {
            var proof = new RegoObjectBuilder(3).Add("id", edge);
            if (Texts(seen, "delegation_scopes") is { Count: > 0 } granted) proof.Add("scopes", List(granted));
            if (seen.TryGetProperty("delegation_constraints", out var constraints)) proof.Add("constraints_json", RegoValue.FromJson(constraints.GetRawText()));
            input.Add("delegation_edge", proof.Build());
        }

        return input.Build();
    }

    private static RegoValue Principal(string zoneId, JsonElement metadata)
    {
        var principal = new RegoObjectBuilder(7)
            .Add("type", "Application")
            .Add("id", Text(metadata, "application_id") ?? "")
            .Add("zone_id", zoneId);
        Optional(principal, "registration_method", Text(metadata, "application_registration_method"));
        Optional(principal, "agent_session_id", Text(metadata, "agent_session_id"));
        Optional(principal, "lifecycle", Text(metadata, "agent_lifecycle"));
        if (Texts(metadata, "agent_labels") is { Count: > 0 } labels) principal.Add("labels", List(labels));
        return principal.Build();
    }

    private static RegoValue Resource(string identifier, (string Id, IReadOnlyList<string> Scopes)? known, List<string> requested)
    {
        var resource = new RegoObjectBuilder(4).Add("type", "Resource").Add("identifier", identifier).Add("scopes", List(known?.Scopes ?? requested));
        Optional(resource, "id", known?.Id);
        return resource.Build();
    }

    private static RegoValue Action(JsonElement metadata, JsonElement seen)
    {
        var action = new RegoObjectBuilder(3).Add("id", "TokenExchange");
        Optional(action, "method", Text(seen, "method") ?? Text(metadata, "method"));
        Optional(action, "path", Text(metadata, "path"));
        return action.Build();
    }

    private static RegoValue Context(JsonElement metadata, JsonElement seen, List<string> scopes)
    {
        var application = Text(metadata, "application_id") ?? "";
        var context = new RegoObjectBuilder(7)
            .Add("actor_claims", new RegoObjectBuilder(1).Add("caracal_client_id", application).Build())
            .Add("challenge_resolved", RegoValue.FromJson(Flag(metadata, "challenge_resolved") ? "true" : "false"))
            .Add("requested_scopes", List(scopes));
        if (seen.TryGetProperty("presented", out var presented) && presented.ValueKind == JsonValueKind.Object)
        {
            var claims = new RegoObjectBuilder(3);
            Optional(claims, "scope", Text(presented, "scope"));
            if (Texts(presented, "target") is { Count: > 0 } target) claims.Add("target", List(target));
            Optional(claims, "delegation_edge_id", Text(presented, "delegation_edge_id"));
            context.Add("subject_claims", claims.Build());
        }

        Optional(context, "session_id", Text(metadata, "session_id"));
        Optional(context, "agent_session_id", Text(metadata, "agent_session_id"));
        Optional(context, "delegation_edge_id", Text(metadata, "delegation_edge_id"));
        return context.Build();
    }

    private static void Optional(RegoObjectBuilder builder, string name, string? value)
    {
        if (value is not null) builder.Add(name, value);
    }

    private static RegoValue List(IReadOnlyList<string> texts) => RegoValue.Array(texts, RegoValue.String);

    private static bool Flag(JsonElement metadata, string name) => metadata.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    private static string? Text(JsonElement metadata, string name) =>
        metadata.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    private static List<string> Texts(JsonElement metadata, string name) =>
        metadata.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Where(member => member.ValueKind == JsonValueKind.String).Select(member => member.GetString()!)]
            : [];
}
