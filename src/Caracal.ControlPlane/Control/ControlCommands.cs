using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.ControlPlane.Resources;

namespace Caracal.ControlPlane.Control;

/// <summary>The commands that stand for one management call each (control.md 5).</summary>
internal static class ControlCommands
{
    private static readonly string[] ResourceFlags =
        ["name", "identifier", "scopes", "upstream-url", "credential-provider-id", "operations", "operation-enforcement"];

    public static IEnumerable<ControlCommand> All() =>
        [.. Applications(), .. Resources(), .. Providers(), .. Policies(), .. PolicySets(), .. Workloads(), .. Evidence(), .. Sessions(), .. Delegations(), .. Grants()];

    private static IEnumerable<ControlCommand> Applications() =>
    [
        .. Reads("app", "applications", "an application", "applications"),
        new("app", "create", "Registers a managed application", ["name"], call => call.SendAsync(
            "POST", ["applications"], new JsonObject { ["name"] = call.Flags.Required("name"), ["registration_method"] = "managed" })),
        new("app", "patch", "Renames an application", ["id", "name"], call => GuardKeyAsync(call, id => call.SendAsync(
            "PATCH", ["applications", id], new JsonObject { ["name"] = call.Flags.Required("name") }))),
        new("app", "rotate-secret", "Makes a new client secret", ["id"], call => GuardKeyAsync(call, id => call.SendAsync("POST", ["applications", id, "rotate-secret"]))),
        new("app", "delete", "Archives an application and ends its authority", ["id"], call => GuardKeyAsync(call, id => call.SendAsync("DELETE", ["applications", id]))),
        new("app", "dcr", "Registers an application for an hour at most", ["name", "expires-in"], call => call.SendAsync(
            "POST", ["applications", "dcr"], With(new JsonObject { ["name"] = call.Flags.Required("name") }, ("expires_in", call.Flags.Number("expires-in"))))),
    ];

    private static IEnumerable<ControlCommand> Resources() =>
    [
        .. Reads("resource", "resources", "a resource", "resources"),
        new("resource", "create", "Makes a resource", ResourceFlags, call => call.SendAsync("POST", ["resources"], ResourceBody(call.Flags, patch: false))),
        new("resource", "patch", "Changes a resource", ["id", .. ResourceFlags], call => call.SendAsync("PATCH", ["resources", call.Flags.Required("id")], ResourceBody(call.Flags, patch: true))),
        Delete("resource", "resources", "Archives a resource"),
    ];

    private static IEnumerable<ControlCommand> Providers() =>
    [
        .. Reads("identity-provider", "providers", "an identity provider", "identity providers"),
        new("identity-provider", "create", "Makes an identity provider", ["name", "identifier", "kind", "config"], call => call.SendAsync("POST", ["providers"], ProviderBody(call.Flags))),
        new("identity-provider", "patch", "Changes an identity provider", ["id", "name", "identifier", "kind", "config"], call => call.SendAsync(
            "PATCH", ["providers", call.Flags.Required("id")], ProviderBody(call.Flags))),
        Delete("identity-provider", "providers", "Archives an identity provider"),
    ];

    private static IEnumerable<ControlCommand> Policies() =>
    [
        .. Reads("policy", "policies", "a policy with its versions", "policies"),
        new("policy", "create", "Makes a policy with its first version", ["name", "description", "content"], call => call.SendAsync(
            "POST", ["policies"],
            With(new JsonObject { ["name"] = call.Flags.Required("name"), ["content"] = call.Flags.Required("content") }, ("description", call.Flags.Text("description"))))),
        new("policy", "validate", "Checks the text of a policy", ["content"], call => call.SendGloballyAsync(
            "POST", ["policies", "validate"], new JsonObject { ["content"] = call.Flags.Required("content") })),
        new("policy", "version", "Adds a version", ["id", "content"], call => call.SendAsync(
            "POST", ["policies", call.Flags.Required("id"), "versions"], new JsonObject { ["content"] = call.Flags.Required("content") })),
        Delete("policy", "policies", "Archives a policy"),
    ];

    private static IEnumerable<ControlCommand> PolicySets() =>
    [
        .. Reads("policy-set", "policy-sets", "a policy set", "policy sets"),
        new("policy-set", "create", "Makes a policy set", ["name", "description"], call => call.SendAsync(
            "POST", ["policy-sets"], With(new JsonObject { ["name"] = call.Flags.Required("name") }, ("description", call.Flags.Text("description"))))),
        new("policy-set", "version", "Bundles policy versions", ["id", "policy-versions"], call => call.SendAsync(
            "POST", ["policy-sets", call.Flags.Required("id"), "versions"],
            new JsonObject { ["manifest"] = new JsonArray([.. (call.Flags.List("policy-versions") ?? []).Select(id => new JsonObject { ["policy_version_id"] = id })]) })),
        new("policy-set", "activate", "Makes a version the one that decides", ["id", "version"], call => call.SendAsync(
            "POST", ["policy-sets", call.Flags.Required("id"), "activate"], new JsonObject { ["version_id"] = call.Flags.Required("version") })),
        new("policy-set", "simulate", "What a version would decide", ["id", "version", "input"], call => call.SendAsync(
            "POST", ["policy-sets", call.Flags.Required("id"), "simulate"],
            With(new JsonObject { ["version_id"] = call.Flags.Required("version") }, ("input", call.Flags.Json("input", JsonValueKind.Object))))),
        Delete("policy-set", "policy-sets", "Archives a policy set"),
    ];

    private static IEnumerable<ControlCommand> Workloads() =>
    [
        .. Reads("workload", "workloads", "a workload", "workloads"),
        new("workload", "create", "Makes a workload", ["name"], call => call.SendAsync("POST", ["workloads"], new JsonObject { ["name"] = call.Flags.Required("name") })),
        new("workload", "patch", "Changes a workload", ["id", "name", "bindings"], call => call.SendAsync(
            "PUT", ["workloads", call.Flags.Required("id")],
            With([], ("name", call.Flags.Text("name")), ("bindings", call.Flags.Json("bindings", JsonValueKind.Array))))),
        new("workload", "rotate-secret", "Makes a new secret", ["id"], call => call.SendAsync("POST", ["workloads", call.Flags.Required("id"), "rotate-secret"])),
        Delete("workload", "workloads", "Deletes a workload"),
    ];

    private static IEnumerable<ControlCommand> Evidence() =>
    [
        new("authority-record", "list", "Authority records", ["subject", "status", "limit"], call => call.ListAsync(
            ["authority-records"], Query(("subject_id", call.Flags.Text("subject")), ("status", call.Flags.Text("status"))), Limit(call.Flags))),
        new("approval", "list", "Holds", [], call => call.ListAsync(["approvals"])),
        new("audit", "tail", "The newest decisions", ["since", "until", "decision", "event-type", "request-id", "limit"], call => call.ListAsync(
            ["audit"],
            Query(
                ("since", call.Flags.Text("since")), ("until", call.Flags.Text("until")), ("decision", call.Flags.Text("decision")),
                ("event_type", call.Flags.Text("event-type")), ("request_id", call.Flags.Text("request-id"))),
            Limit(call.Flags) ?? 100)),
        new("audit", "admin", "The newest changes by administrators", ["since", "until", "limit"], call => call.ListAsync(
            ["admin-audit"], Query(("since", call.Flags.Text("since")), ("until", call.Flags.Text("until"))), Limit(call.Flags) ?? 100)),
        new("explain", "", "Why a request was decided as it was", ["request-id"], call => call.SendAsync("GET", ["audit", "by-request", call.Flags.Required("request-id"), "explain"])),
    ];

    private static IEnumerable<ControlCommand> Sessions() =>
    [
        new("session", "list", "Governed Sessions", [], call => call.ListAsync(["sessions"])),
        new("session", "get", "A Session", ["id"], call => call.CoordinateAsync("GET", ["agents", call.Flags.Required("id")])),
        new("session", "tree", "A Session's children", ["id"], call => call.CoordinateAsync("GET", ["agents", call.Flags.Required("id"), "children"])),
        new("session", "suspend", "Suspends a Session and what descends from it", ["id"], call => call.CoordinateAsync("PATCH", ["agents", call.Flags.Required("id"), "suspend"])),
        new("session", "resume", "Resumes a Session", ["id"], call => call.CoordinateAsync("PATCH", ["agents", call.Flags.Required("id"), "resume"])),
        new("session", "terminate", "Ends a Session and what descends from it", ["id"], call => call.CoordinateAsync("DELETE", ["agents", call.Flags.Required("id")])),
    ];

    private static IEnumerable<ControlCommand> Delegations() =>
    [
        new("delegation", "active", "Live Delegations", [], call => call.CoordinateAsync("GET", ["delegations", "active"])),
        new("delegation", "inbound", "What a Session was given", ["session-id"], call => call.CoordinateAsync("GET", ["delegations", "inbound", call.Flags.Required("session-id")])),
        new("delegation", "outbound", "What a Session gave", ["session-id"], call => call.CoordinateAsync("GET", ["delegations", "outbound", call.Flags.Required("session-id")])),
        new("delegation", "traverse", "What descends from a Delegation", ["id"], call => call.CoordinateAsync("GET", ["delegations", call.Flags.Required("id"), "traverse"])),
        new("delegation", "revoke", "Ends a Delegation and what descends from it", ["id"], call => call.CoordinateAsync("PATCH", ["delegations", call.Flags.Required("id"), "revoke"])),
    ];

    private static IEnumerable<ControlCommand> Grants() =>
    [
        .. Reads("grant", "grants", "a grant", "grants"),
        new("grant", "create", "Grants a user's scopes to an application", ["application-id", "user-id", "resource-id", "scopes"], call => call.SendAsync(
            "POST", ["grants"],
            new JsonObject
            {
                ["application_id"] = call.Flags.Required("application-id"),
                ["user_id"] = call.Flags.Required("user-id"),
                ["resource_id"] = call.Flags.Required("resource-id"),
                ["scopes"] = Texts(call.Flags.List("scopes") ?? []),
            })),
        new("grant", "revoke", "Revokes a grant", ["id"], call => call.SendAsync("DELETE", ["grants", call.Flags.Required("id")])),
    ];

    private static IEnumerable<ControlCommand> Reads(string noun, string collection, string one, string many) =>
    [
        new(noun, "list", $"Lists {many}", [], call => call.ListAsync([collection])),
        new(noun, "get", $"Shows {one}", ["id"], call => call.SendAsync("GET", [collection, call.Flags.Required("id")])),
    ];

    private static ControlCommand Delete(string noun, string collection, string summary) =>
        new(noun, "delete", summary, ["id"], call => call.SendAsync("DELETE", [collection, call.Flags.Required("id")]));

    // A key must not seize another key (control.md 5).
    private static async Task<ControlOutcome> GuardKeyAsync(ControlCall call, Func<string, Task<ControlOutcome>> run)
    {
        var id = call.Flags.Required("id");
        if (call.Flags.Problem is { } problem) return ControlOutcome.Invalid(problem);
        var found = await call.ReplyAsync("GET", ["applications", id]);
        if (!found.Succeeded) return found.ToOutcome();
        return IsControlKey(found.Body) ? ControlOutcome.Denied("control keys are managed outside Control") : await run(id);
    }

    /// <summary>Whether an application's row is a control key; a row without traits counts as one.</summary>
    public static bool IsControlKey(JsonNode? application) =>
        application?["traits"] is not JsonArray traits || traits.Any(trait => trait?.GetValue<string>() == ControlResource.InvokeTrait);

    private static JsonObject ResourceBody(ControlFlags flags, bool patch)
    {
        var body = With(
            [], ("name", flags.Text("name")), ("identifier", flags.Text("identifier")), ("upstream_url", flags.Text("upstream-url")),
            ("credential_provider_id", flags.Text("credential-provider-id")), ("operation_enforcement", flags.Text("operation-enforcement")),
            ("scopes", flags.List("scopes") is { } scopes ? Texts(scopes) : null), ("operations", flags.Json("operations", JsonValueKind.Array)));
        if (patch && flags.IsNull("upstream-url")) body["upstream_url"] = null;
        if (patch && flags.IsNull("credential-provider-id")) body["credential_provider_id"] = null;
        return body;
    }

    private static JsonObject ProviderBody(ControlFlags flags) => With(
        [], ("name", flags.Text("name")), ("identifier", flags.Text("identifier")), ("kind", flags.Text("kind")), ("config_json", flags.Json("config", JsonValueKind.Object)));

    private static JsonObject With(JsonObject body, params ReadOnlySpan<(string Name, JsonNode? Value)> members)
    {
        foreach (var (name, value) in members)
        {
            if (value is not null) body[name] = value;
        }

        return body;
    }

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => JsonValue.Create(text))]);

    private static IEnumerable<KeyValuePair<string, string?>> Query(params (string Name, string? Value)[] members) =>
        members.Select(member => KeyValuePair.Create(member.Name, member.Value));

    private static long? Limit(ControlFlags flags)
    {
        var limit = flags.Number("limit");
        if (limit is < 1 or > 100_000) flags.Note("flag \"limit\" must be between 1 and 100000");
        return limit;
    }
}
