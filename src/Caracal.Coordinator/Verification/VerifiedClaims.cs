using System.Text.Json;
using Caracal.Coordinator.Requests;
using Caracal.Protocol.Mandates;

namespace Caracal.Coordinator.Verification;

/// <summary>The claims of a verified mandate in the spelling of <c>/v1/verify</c>; empty optional ones are left out.</summary>
internal static class VerifiedClaims
{
    public static void Write(Utf8JsonWriter writer, MandateClaims claims)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("valid"u8, true);
        writer.WriteStartObject("claims"u8);
        writer.WriteString("sub"u8, claims.Subject);
        writer.WriteString("zoneId"u8, claims.ZoneId);
        writer.WriteString("clientId"u8, claims.ClientId);
        writer.WriteString("authorityRecordId"u8, claims.Sid);
        writer.WriteString("rootAuthorityRecordId"u8, claims.RootSid);
        writer.WriteString("use"u8, claims.Use);
        writer.WriteString("subType"u8, claims.SubjectType);
        writer.WriteString("jti"u8, claims.Jti);
        writer.WriteNumber("issuedAt"u8, claims.IssuedAt ?? 0);
        writer.WriteNumber("expiresAt"u8, claims.ExpiresAt);
        writer.WriteString("scope"u8, claims.Scope ?? "");
        WriteTexts(writer, "targetResources", claims.Target);
        WriteText(writer, "sessionId", claims.AgentSessionId);
        WriteText(writer, "delegationId", claims.DelegationEdgeId);
        WriteText(writer, "sourceSessionId", claims.SourceSessionId);
        WriteText(writer, "targetSessionId", claims.TargetSessionId);
        WriteTexts(writer, "delegationPath", claims.DelegationPath);
        if (claims.DelegationChain.Count > 0)
        {
            Paging.WriteItems(writer, "delegationChain", claims.DelegationChain, WriteHop);
        }

        WriteNumber(writer, "graphEpoch", claims.GraphEpoch);
        WriteNumber(writer, "hopCount", claims.HopCount);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteHop(Utf8JsonWriter writer, DelegationHop hop)
    {
        writer.WriteStartObject();
        writer.WriteString("applicationId"u8, hop.ApplicationId);
        WriteText(writer, "sessionId", hop.AgentSessionId);
        WriteText(writer, "delegationId", hop.DelegationEdgeId);
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(name, text);
        }
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IReadOnlyList<string> texts)
    {
        if (texts.Count > 0)
        {
            Paging.WriteTexts(writer, name, texts);
        }
    }

    private static void WriteNumber(Utf8JsonWriter writer, string name, long number)
    {
        if (number > 0)
        {
            writer.WriteNumber(name, number);
        }
    }
}
