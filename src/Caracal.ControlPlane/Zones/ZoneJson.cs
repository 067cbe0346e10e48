using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Zones;

namespace Caracal.ControlPlane.Zones;

/// <summary>A zone on the wire (api.md 4).</summary>
internal static class ZoneJson
{
    public static void Write(Utf8JsonWriter writer, ZoneRow zone)
    {
        writer.WriteString("id", zone.Id);
        writer.WriteString("name", zone.Name);
        writer.WriteString("display_name", zone.Name);
        writer.WriteString("slug", zone.Slug);
        writer.WriteBoolean("dcr_enabled", zone.DcrEnabled);
        writer.WriteBoolean("operator_coauthor_badge", zone.OperatorCoauthorBadge);
        writer.WriteBoolean("operator_governed", zone.OperatorGoverned);
        writer.Attribution(zone);
        writer.Times(zone);
    }

    public static Action<Utf8JsonWriter> Of(ZoneRow zone) => JsonRows.Object(writer => Write(writer, zone));
}
