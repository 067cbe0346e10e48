using System.Security.Cryptography;
using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Sts.TokenExchange;

namespace Caracal.Sts.Audit;

/// <summary>The <c>metadata_json</c> of an exchange event: who, for what, under which authority; never a token, secret or subject value.</summary>
internal static class ExchangeMetadata
{
    // audit.md 2.1: method and path stand on denials only. A path may itself be a secret, and an allowed call needs no clue.
    public static ReadOnlyMemory<byte> Write(
        Exchange exchange, string? resource, string? reason = null, bool withRequested = false, bool denied = true, ReadOnlyMemory<byte> policyInput = default) =>
        AuditJson.Object((exchange, resource, reason, withRequested, denied, policyInput), static (writer, state) =>
        {
            var exchange = state.exchange;
            WriteApplication(writer, exchange);
            if (state.resource is not null)
            {
                writer.WriteString("resource"u8, state.resource);
            }

            WriteTexts(writer, "requested_scopes"u8, exchange.Scopes);
            WriteAuthority(writer, exchange);
            WriteSession(writer, exchange);
            WriteDelegation(writer, exchange);
            WriteSeen(writer, exchange, state.policyInput.Span);
            if (exchange.IsGateway)
            {
                WriteOptional(writer, "mcp_operation"u8, exchange.Request.McpOperation);
            }

            if (exchange.IsGateway && state.denied)
            {
                WriteOptional(writer, "method"u8, exchange.Request.RequestMethod);
                WriteOptional(writer, "path"u8, exchange.Request.RequestPath);
            }

            WriteOptional(writer, "reason"u8, state.reason);
            if (state.withRequested)
            {
                WriteTexts(writer, "requested"u8, exchange.Request.Resources);
            }
        });

    private static void WriteApplication(Utf8JsonWriter writer, Exchange exchange)
    {
        writer.WriteString("application_id"u8, exchange.Request.ApplicationId);
        if (exchange.Application is { } application)
        {
            writer.WriteString("application_name"u8, application.Name);
            writer.WriteString("application_registration_method"u8, application.RegistrationMethod);
        }
    }

    private static void WriteAuthority(Utf8JsonWriter writer, Exchange exchange)
    {
        WriteOptional(writer, "session_id"u8, exchange.Record?.Id);
        WriteOptional(writer, "agent_session_id"u8, exchange.Request.AgentSessionId);
        WriteOptional(writer, "delegation_edge_id"u8, exchange.Request.DelegationEdgeId);
        writer.WriteString("subject_kind"u8, exchange.SubjectClaims?.SubjectType == "user" ? "user" : "application");
    }

    private static void WriteSession(Utf8JsonWriter writer, Exchange exchange)
    {
        if (exchange.Session is not { } session)
        {
            return;
        }

        writer.WriteString("agent_lifecycle"u8, session.Lifecycle);
        WriteTexts(writer, "agent_labels"u8, session.Labels);
        writer.WriteNumber("agent_depth"u8, session.Depth);
        WriteOptional(writer, "agent_parent_id"u8, session.ParentId);
    }

    private static void WriteDelegation(Utf8JsonWriter writer, Exchange exchange)
    {
        if (exchange.Delegation is not { } proof)
        {
            return;
        }

        writer.WriteStartArray("delegation_chain"u8);
        foreach (var hop in proof.Chain)
        {
            writer.WriteStartObject();
            writer.WriteString("application_id"u8, hop.ApplicationId);
            WriteOptional(writer, "agent_session_id"u8, hop.AgentSessionId);
            WriteOptional(writer, "delegation_edge_id"u8, hop.DelegationEdgeId);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("delegation_hop_count"u8, proof.Path.Length);
        writer.WriteNumber("delegation_graph_epoch"u8, proof.Epoch);
    }

    // What policy saw beyond this lies beside the ledger, for a shorter time (KeptPolicyInput); its hash is evidence.
    private static void WriteSeen(Utf8JsonWriter writer, Exchange exchange, ReadOnlySpan<byte> policyInput)
    {
        if (exchange.Approval is not null)
        {
            writer.WriteBoolean("challenge_resolved"u8, true);
        }

        if (policyInput.IsEmpty)
        {
            return;
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(policyInput, digest);
        writer.WriteString("policy_input_sha256"u8, Convert.ToHexStringLower(digest));
    }

    private static void WriteOptional(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            writer.WriteString(name, value);
        }
    }

    private static void WriteTexts(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        for (var i = 0; i < values.Count; i++)
        {
            writer.WriteStringValue(values[i]);
        }

        writer.WriteEndArray();
    }
}
