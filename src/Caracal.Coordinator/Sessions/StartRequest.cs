using System.Text.Json;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Idempotency;
using Caracal.Coordinator.Requests;

namespace Caracal.Coordinator.Sessions;

/// <summary>The body of a start, checked field by field (coordinator.md 5).</summary>
internal sealed record StartRequest
{
    public required string ApplicationId { get; init; }
    public string? SubjectSessionId { get; init; }
    public string? SubjectToken { get; init; }
    public string? ParentId { get; init; }

    /// <summary>Anchor the child where its parent is anchored, so that a user's Session does not lose its user (coordinator.md 19.12).</summary>
    public required bool InheritsSubject { get; init; }
    public required string Lifecycle { get; init; }
    public required string[] Labels { get; init; }

    /// <summary>The effective TTL; null for a service.</summary>
    public int? TtlSeconds { get; init; }
    public required bool Inherits { get; init; }
    public string? InheritParentEdgeId { get; init; }
    public required string MetadataJson { get; init; }

    /// <summary>The request, or the issues of its body.</summary>
    public static (StartRequest Request, IReadOnlyList<BodyIssue> Issues) Read(JsonElement body)
    {
        var reader = new BodyReader(body);
        var lifecycle = reader.Choice("lifecycle", SessionLifecycle.Task, SessionLifecycle.Task, SessionLifecycle.Service);
        var request = new StartRequest
        {
            ApplicationId = reader.RequiredText("application_id"),
            SubjectSessionId = reader.OptionalText("subject_session_id"),
            SubjectToken = reader.OptionalText("subject_token"),
            ParentId = reader.OptionalText("parent_id"),
            InheritsSubject = reader.Choice("subject_authority", "own", "own", "inherit") == "inherit",
            Lifecycle = lifecycle,
            Labels = ReadLabels(reader),
            TtlSeconds = ReadTtl(reader, lifecycle),
            Inherits = reader.Choice("parent_authority", "inherit", "inherit", "none") == "inherit",
            InheritParentEdgeId = reader.OptionalText("inherit_parent_edge_id"),
            MetadataJson = reader.ObjectText("metadata"),
        };
        if (request.InheritsSubject && (request.ParentId is null || request.SubjectSessionId is not null))
        {
            reader.AddIssue("Needs a parent and no subject_session_id", "subject_authority");
        }

        return (request, reader.Issues);
    }

    /// <summary>What a key stands for (coordinator.md 10); null when the metadata holds a number that has no canonical form.</summary>
    public byte[]? Digest(Caller caller) => RequestDigests.Digest(writer =>
    {
        RequestDigests.WritePrincipal(writer, caller.ClientId, caller.Subject);
        writer.WriteString("application_id"u8, ApplicationId);
        writer.WriteString("subject_authority_record_id"u8, SubjectSessionId);
        writer.WriteString("parent_id"u8, ParentId);
        writer.WriteString("lifecycle"u8, Lifecycle);
        Paging.WriteTexts(writer, "labels", Labels);
        Paging.WriteNumber(writer, "ttl_seconds", TtlSeconds);
        writer.WriteString("parent_authority"u8, Inherits ? "inherit" : "none");
        writer.WriteString("inherit_parent_edge_id"u8, InheritParentEdgeId);
        writer.WritePropertyName("metadata"u8);
        writer.WriteRawValue(MetadataJson);
        if (InheritsSubject)
        {
            // Ours; left out of every request that v1.0 could have sent, whose digests are fixed.
            writer.WriteString("subject_authority"u8, "inherit"u8);
        }
    });

    private static int? ReadTtl(BodyReader reader, string lifecycle)
    {
        var ttl = reader.Integer("ttl_seconds", 1, SessionLimits.MaximumTtlSeconds);
        if (lifecycle == SessionLifecycle.Task)
        {
            return (int)(ttl ?? SessionLimits.DefaultTtlSeconds);
        }

        if (ttl is not null)
        {
            reader.AddIssue("A service has a lease instead of a TTL", "ttl_seconds");
        }

        return null;
    }

    private static string[] ReadLabels(BodyReader reader)
    {
        var labels = reader.Texts("labels");
        if (labels.Length > SessionLimits.MaximumLabels)
        {
            reader.AddIssue($"At most {SessionLimits.MaximumLabels} labels", "labels");
            return [];
        }

        for (var i = 0; i < labels.Length; i++)
        {
            labels[i] = labels[i].Trim();
            if (labels[i].Length is 0 or > SessionLimits.MaximumLabelLength)
            {
                reader.AddIssue($"A label has 1 to {SessionLimits.MaximumLabelLength} characters", "labels", i.ToString());
            }
        }

        return labels;
    }
}
