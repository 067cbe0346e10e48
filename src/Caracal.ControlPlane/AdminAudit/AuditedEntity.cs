using Caracal.ControlPlane.Http;
using Caracal.Protocol;

namespace Caracal.ControlPlane.AdminAudit;

/// <summary>What a call was about (api.md 3): the innermost <c>collection/id</c> of its path, and the verb after it.</summary>
internal sealed record AuditedEntity(string? Type, string? Id, string? Verb)
{
    private static readonly HashSet<string> Collections =
    [
        "zones", "applications", "workloads", "resources", "providers", "provider-connections", "policies", "policy-sets",
        "policy-templates", "grants", "subject-issuers", "subjects", "approvals", "admin-tokens", "operator-conversations",
        "notification-sinks",
    ];

    /// <param name="path">The decoded path.</param>
    /// <param name="answer">Its id names what a 201 on a collection created.</param>
    public static AuditedEntity Of(string path, Answer answer)
    {
        var segments = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string? type = null;
        string? id = null;
        string? verb = null;
        for (var i = 0; i < segments.Length; i++)
        {
            if (!Collections.Contains(segments[i]))
            {
                if (type is not null) verb = segments[i];
                continue;
            }

            verb = null;
            if (i + 1 < segments.Length && IsId(segments[i + 1]))
            {
                (type, id) = (segments[i], segments[++i]);
            }
            else if (answer is { Status: 201, EntityId: { } created })
            {
                (type, id) = (segments[i], created);
                break;
            }
        }

        return new AuditedEntity(type, id, verb);
    }

    // Words of our own routes that stand where an id would.
    private static bool IsId(string segment) =>
        Ids.IsPathId(segment) && segment is not ("dcr" or "revoke" or "discovery" or "oauth" or "validate" or "counts" or "overview");
}
