using System.Text.Json;
using Caracal.Authority.TokenExchange;
using Caracal.Evidence.Events;
using Caracal.Sts.TokenExchange;

namespace Caracal.Sts.Audit;

/// <summary>
/// What policy saw beyond the event's metadata, so that another policy can be asked the same question while it is kept:
/// the resource's scopes, the delegation's scopes and constraints, the method of a governed call, scope and target of the
/// presented mandate. No token, no subject's value and no path is among it.
/// </summary>
internal static class KeptPolicyInput
{
    public static ReadOnlyMemory<byte> Write(Exchange exchange, ExchangeResource resource) =>
        AuditJson.Object((exchange, resource), static (writer, state) =>
        {
            writer.WriteString("resource_id"u8, state.resource.Id);
            WriteTexts(writer, "resource_scopes"u8, state.resource.Scopes);
            if (state.exchange is { IsGateway: true, Request.RequestMethod: { Length: > 0 } method })
            {
                writer.WriteString("method"u8, method);
            }

            if (state.exchange.Delegation is { } proof)
            {
                WriteTexts(writer, "delegation_scopes"u8, proof.Edge.Scopes);
                if (proof.Edge.ConstraintsJson is { Length: > 2 } constraints)
                {
                    writer.WritePropertyName("delegation_constraints"u8);
                    writer.WriteRawValue(constraints, skipInputValidation: true);
                }
            }

            if (state.exchange.SubjectClaims is { } claims)
            {
                writer.WriteStartObject("presented"u8);
                if (claims.Scope is { Length: > 0 } scope)
                {
                    writer.WriteString("scope"u8, scope);
                }

                WriteTexts(writer, "target"u8, claims.Target);
                if (claims.DelegationEdgeId is { Length: > 0 } edge)
                {
                    writer.WriteString("delegation_edge_id"u8, edge);
                }

                writer.WriteEndObject();
            }
        });

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
