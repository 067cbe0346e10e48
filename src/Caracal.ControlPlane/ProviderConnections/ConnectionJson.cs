using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.ProviderConnections;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary>A connection on the wire (api.md 11.3).</summary>
internal static class ConnectionJson
{
    public static Action<Utf8JsonWriter> Of(ConnectionRow row) => JsonRows.Object(writer => Write(writer, row));

    /// <summary>The members that a list adds.</summary>
    public static void WriteListed(Utf8JsonWriter writer, ConnectionRow row)
    {
        Write(writer, row);
        writer.Time("refreshed_at", row.RefreshedAt);
        writer.WriteBoolean("renewable", row.Renewable);
    }

    public static void Write(Utf8JsonWriter writer, ConnectionRow row)
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("zone_id", row.ZoneId);
        writer.WriteString("subject_id", row.SubjectId);
        writer.WriteString("provider_id", row.ProviderId);
        writer.WriteString("status", row.Status);
        writer.Time("expires_at", row.ExpiresAt);
        writer.Time("created_at", row.CreatedAt);
        writer.Time("updated_at", row.UpdatedAt);
    }
}
