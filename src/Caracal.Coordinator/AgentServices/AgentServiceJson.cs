using System.Text.Json;
using Caracal.Authority.AgentServices;
using Caracal.Coordinator.Requests;

namespace Caracal.Coordinator.AgentServices;

/// <summary>Registered services on the wire: the row (coordinator.md 7).</summary>
internal static class AgentServiceJson
{
    public static void Write(Utf8JsonWriter writer, AgentService service)
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, service.Id);
        writer.WriteString("zone_id"u8, service.ZoneId);
        writer.WriteString("application_id"u8, service.ApplicationId);
        writer.WriteString("endpoint_url"u8, service.EndpointUrl);
        Paging.WriteTexts(writer, "protocol_versions", service.ProtocolVersions);
        writer.WriteString("framework_name"u8, service.FrameworkName);
        writer.WriteString("framework_version"u8, service.FrameworkVersion);
        Paging.WriteTexts(writer, "capabilities", service.Capabilities);
        writer.WriteString("health"u8, service.Health);
        writer.WritePropertyName("metadata_json"u8);
        writer.WriteRawValue(service.MetadataJson);
        Paging.WriteTime(writer, "last_heartbeat_at", service.LastHeartbeatAt);
        writer.WriteEndObject();
    }
}
