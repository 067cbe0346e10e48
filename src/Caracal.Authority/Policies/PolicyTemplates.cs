namespace Caracal.Authority.Policies;

/// <summary>A starting point for a data document.</summary>
public sealed record PolicyTemplate(string Id, string Name, string Description, string Content);

/// <summary>The templates of <c>GET /v1/policy-templates</c> (api.md 9.2).</summary>
public static class PolicyTemplates
{
    private const string Head = "# caracal:data-document\npackage caracal.authz\n\nimport rego.v1\n\n";

    /// <summary>All of them, in the order shown.</summary>
    public static IReadOnlyList<PolicyTemplate> All { get; } =
    [
        new(
            "application-bindings",
            "Application Bindings",
            "Names the applications of the zone, so that other documents refer to them by key.",
            Head + "app_ids := {\n\t\"my-application\": \"<application-id>\",\n}\n"),
        new(
            "resource-grants",
            "Resource Grants",
            "Grants an application's roles their scopes on a resource.",
            Head + "grants := {\n\t\"resource://my-resource\": {\n\t\t\"application\": \"my-application\",\n\t\t\"roles\": {\"reader\": [\"my-resource:read\"]},\n\t},\n}\n"),
        new(
            "label-confinement",
            "Label Confinement",
            "Confines sessions that carry a label to a set of scopes.",
            Head + "confinement := [{\n\t\"label_prefix\": \"customer:\",\n\t\"scopes\": [\"my-resource:read\"],\n}]\n"),
        new(
            "zone-restriction",
            "Zone Restriction",
            "Any entry freezes the whole zone; empty restricts nothing.",
            Head + "restrict := {}\n"),
    ];
}
