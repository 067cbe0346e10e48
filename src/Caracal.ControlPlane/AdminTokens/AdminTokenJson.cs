using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.AdminTokens;

namespace Caracal.ControlPlane.AdminTokens;

/// <summary>Admin tokens on the wire (api.md 11.9); never a hash.</summary>
internal static class AdminTokenJson
{
    public static void WriteNew(Utf8JsonWriter writer, AdminTokenRow token)
    {
        writer.WriteString("id", token.Id);
        writer.WriteString("name", token.Name);
        writer.WriteString("scope", token.Scope);
        writer.WriteString("capability", token.Capability);
        writer.WriteString("zone_id", token.ZoneId);
        writer.WriteString("created_by", token.CreatedBy);
        writer.Time("created_at", token.CreatedAt);
    }

    public static void Write(Utf8JsonWriter writer, AdminTokenRow token)
    {
        WriteNew(writer, token);
        writer.Time("last_used_at", token.LastUsedAt);
        writer.Time("revoked_at", token.RevokedAt);
    }
}
