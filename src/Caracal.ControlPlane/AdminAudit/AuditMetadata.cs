using System.Text.Json;

namespace Caracal.ControlPlane.AdminAudit;

/// <summary>Metadata of the audit events the API produces: flat objects of strings.</summary>
internal static class AuditMetadata
{
    /// <summary>Members in the given order; a null value is left out.</summary>
    public static byte[] Of(IEnumerable<(string Name, string? Value)> members)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in members)
            {
                if (value is not null) writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        return buffer.ToArray();
    }

    public static byte[] Of((string Name, string Value)[] members) => Of(members.Select(member => (member.Name, (string?)member.Value)));
}
