using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Canonical;

namespace Caracal.Cli.KeyRotation;

/// <summary>Who does it, and why: work in the store itself is signed by a person, because no token says who it was.</summary>
/// <param name="Actor">The person.</param>
/// <param name="Reason">Stands in the admin ledger.</param>
internal sealed record Responsible(string Actor, string Reason)
{
    private const int ShortestReason = 10;
    private const int ShortestActor = 3;

    /// <summary>Refuses a command line without <c>--actor</c> or without a <c>--reason</c> that says something.</summary>
    public static Responsible Read(Arguments arguments) => new(
        arguments.Value("actor")?.Trim() is { Length: >= ShortestActor } who ? who : throw new CommandFailure("--actor is required: the person"),
        arguments.Value("reason")?.Trim() is { Length: >= ShortestReason } why ? why : throw new CommandFailure($"--reason is required ({ShortestReason} characters or more)"));

    /// <summary>What the admin ledger keeps of a command that worked in the store.</summary>
    /// <param name="command">Its words, such as <c>keys adopt</c>.</param>
    /// <param name="action">What it did.</param>
    /// <param name="entityType">To what kind of thing.</param>
    /// <param name="entityId">To which.</param>
    /// <param name="payload">What else is worth keeping; the person and the reason are added.</param>
    /// <param name="now">When.</param>
    public AdminAuditEntry Entry(string command, string action, string entityType, string entityId, JsonObject payload, DateTimeOffset now)
    {
        payload["actor"] = Actor;
        payload["reason"] = Reason;
        return new AdminAuditEntry
        {
            RequestId = command.Replace(' ', '-'),
            Action = action,
            ActorName = Actor,
            Method = "CLI",
            Path = command,
            EntityType = entityType,
            EntityId = entityId,
            StatusCode = 200,
            PayloadJson = CanonicalJson.Text(payload.ToJsonString()),
            OccurredAt = now,
        };
    }
}
