using System.Text.Json;

namespace Caracal.Protocol.Mandates;

/// <summary>The claims of a Caracal mandate (sts.md 6.1). Times are Unix seconds.</summary>
public sealed record MandateClaims
{
    public string? Issuer { get; init; }
    public string? Subject { get; init; }
    public IReadOnlyList<string> Audience { get; init; } = [];
    public long ExpiresAt { get; init; }
    public long? IssuedAt { get; init; }
    public long? NotBefore { get; init; }
    public string? Jti { get; init; }
    public string? ZoneId { get; init; }
    public string? ClientId { get; init; }
    public string? Scope { get; init; }

    /// <summary>Authority record id.</summary>
    public string? Sid { get; init; }
    public string? RootSid { get; init; }
    public string? Use { get; init; }
    public string? SubjectType { get; init; }
    public IReadOnlyList<string> Target { get; init; } = [];
    public string? AgentSessionId { get; init; }
    public string? DelegationEdgeId { get; init; }
    public string? SourceSessionId { get; init; }
    public string? TargetSessionId { get; init; }
    public IReadOnlyList<string> DelegationPath { get; init; } = [];
    public IReadOnlyList<DelegationHop> DelegationChain { get; init; } = [];
    public int HopCount { get; init; }
    public long GraphEpoch { get; init; }

    /// <summary>True when the mandate states an epoch at all; zero is one.</summary>
    public bool HasGraphEpoch { get; init; }

    /// <summary>False when a claim we know had a type the specification does not allow; verifiers refuse such a token.</summary>
    public bool WellTyped { get; init; } = true;

    /// <summary>Writes the payload in the one order every mandate uses; empty optional claims are left out.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("iss"u8, Issuer);
        writer.WriteString("sub"u8, Subject);
        WriteStrings(writer, "aud"u8, Audience);
        writer.WriteNumber("exp"u8, ExpiresAt);
        writer.WriteNumber("iat"u8, IssuedAt ?? 0);
        writer.WriteString("jti"u8, Jti);
        writer.WriteString("zone_id"u8, ZoneId);
        writer.WriteString("client_id"u8, ClientId);
        WriteOptional(writer, "scope"u8, Scope);
        writer.WriteString("sid"u8, Sid);
        writer.WriteString("root_sid"u8, RootSid);
        writer.WriteString("use"u8, Use);
        writer.WriteString("sub_type"u8, SubjectType);
        if (Target.Count > 0)
        {
            WriteStrings(writer, "target"u8, Target);
        }

        WriteOptional(writer, "agent_session_id"u8, AgentSessionId);
        WriteOptional(writer, "delegation_edge_id"u8, DelegationEdgeId);
        WriteOptional(writer, "source_session_id"u8, SourceSessionId);
        WriteOptional(writer, "target_session_id"u8, TargetSessionId);
        WriteDelegation(writer);
        writer.WriteEndObject();
    }

    private void WriteDelegation(Utf8JsonWriter writer)
    {
        if (DelegationPath.Count > 0)
        {
            WriteStrings(writer, "delegation_path"u8, DelegationPath);
        }

        if (DelegationChain.Count > 0)
        {
            writer.WriteStartArray("delegation_chain"u8);
            foreach (var hop in DelegationChain)
            {
                writer.WriteStartObject();
                writer.WriteString("application_id"u8, hop.ApplicationId);
                WriteOptional(writer, "agent_session_id"u8, hop.AgentSessionId);
                WriteOptional(writer, "delegation_edge_id"u8, hop.DelegationEdgeId);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        if (HopCount > 0)
        {
            writer.WriteNumber("hop_count"u8, HopCount);
        }

        if (GraphEpoch > 0)
        {
            writer.WriteNumber("delegation_graph_epoch"u8, GraphEpoch);
        }
    }

    private static void WriteOptional(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            writer.WriteString(name, value);
        }
    }

    private static void WriteStrings(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        for (var i = 0; i < values.Count; i++)
        {
            writer.WriteStringValue(values[i]);
        }

        writer.WriteEndArray();
    }
}
