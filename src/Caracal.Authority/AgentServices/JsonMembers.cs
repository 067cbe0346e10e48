using System.Text;
using System.Text.Json;

namespace Caracal.Authority.AgentServices;

/// <summary>Joins JSON objects whose members belong to whoever wrote them.</summary>
public static class JsonMembers
{
    /// <summary>The members of the first object, replaced and extended by those of the second.</summary>
    public static string Merge(string json, string more)
    {
        using var first = JsonDocument.Parse(json);
        using var second = JsonDocument.Parse(more);
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var member in first.RootElement.EnumerateObject().Where(member => !second.RootElement.TryGetProperty(member.Name, out _)))
            {
                member.WriteTo(writer);
            }

            foreach (var member in second.RootElement.EnumerateObject())
            {
                member.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
