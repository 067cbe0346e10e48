using System.Text;
using System.Text.Json;
using Caracal.Authority.Approvals;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.TokenExchange;
using Caracal.Storage.Approvals;
using Caracal.Sts.Policies;
using Caracal.Sts.TokenExchange;

namespace Caracal.Sts.Approvals;

/// <summary>What an exchange binds its approval to. The policy fields are those of the bundle that decides this exchange (B9).</summary>
internal static class Bindings
{
    public static ApprovalBinding Of(Exchange exchange) => new()
    {
        Resources = exchange.Request.Resources,
        Scopes = exchange.Scopes,
        PrincipalId = exchange.Application!.Id,
        AuthorityRecordId = exchange.Record?.Id,
        AgentSessionId = exchange.Request.AgentSessionId,
        DelegationEdgeId = exchange.Request.DelegationEdgeId,
        ApplicationId = exchange.Application.Id,
        PolicySetVersionId = exchange.Zone!.Policy.VersionId,
        PolicyManifestSha = exchange.Zone.Policy.ManifestSha,
        ContractVersion = DecisionContractModule.Version,
        ContractSha = DecisionContractModule.Sha256,
    };

    /// <summary>Whose decision it is, when a person is behind the request.</summary>
    public static string? SubjectAnchor(Exchange exchange)
    {
        if (exchange.SubjectClaims is { SubjectType: "user" } claims)
        {
            return claims.Subject;
        }

        return exchange.Session?.SubjectRecord is { IsUser: true } record ? record.SubjectId : null;
    }

    /// <summary>The hold's <c>metadata_json</c>.</summary>
    public static string Metadata(Exchange exchange)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            WriteTexts(writer, "requested_scopes", exchange.Scopes);
            WriteTexts(writer, "resources", exchange.Request.Resources);
            if (exchange.Session is { } session)
            {
                writer.WriteString("agent_session_id"u8, session.Id);
                WriteTexts(writer, "agent_labels", session.Labels);
            }

            if (exchange.Delegation is { } proof)
            {
                writer.WriteString("delegation_edge_id"u8, proof.Edge.Id);
            }

            WritePolicy(writer, exchange.Zone!.Policy);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>Whether every one of some resources was asked for by its exact name, or its id, when a hold was made.</summary>
    public static bool Names(Hold hold, IReadOnlyList<ExchangeResource> resources)
    {
        using var metadata = JsonDocument.Parse(hold.MetadataJson);
        var asked = metadata.RootElement.TryGetProperty("resources"u8, out var found) && found.ValueKind == JsonValueKind.Array
            ? found.EnumerateArray().Select(name => name.GetString()?.Trim()).ToHashSet(StringComparer.Ordinal)
            : [];
        return resources.All(resource => asked.Contains(resource.Identifier) || asked.Contains(resource.Id));
    }

    /// <summary>The bundle that decided.</summary>
    public static void WritePolicy(Utf8JsonWriter writer, PolicyBundle policy)
    {
        writer.WriteString("policy_set_version_id"u8, policy.VersionId);
        writer.WriteString("policy_manifest_sha"u8, policy.ManifestSha);
        writer.WriteString("decision_contract_version"u8, DecisionContractModule.Version);
        writer.WriteString("decision_contract_sha"u8, DecisionContractModule.Sha256);
    }

    /// <summary>A list of texts as a member.</summary>
    public static void WriteTexts(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    }
}
