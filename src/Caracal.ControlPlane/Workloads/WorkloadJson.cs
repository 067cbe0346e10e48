using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Workloads;

namespace Caracal.ControlPlane.Workloads;

/// <summary>A workload on the wire (api.md 6).</summary>
internal static class WorkloadJson
{
    public static void Write(Utf8JsonWriter writer, WorkloadRow workload)
    {
        writer.WriteString("id", workload.Id);
        writer.WriteString("zone_id", workload.ZoneId);
        writer.WriteString("name", workload.Name);
        writer.Document("bindings", workload.Bindings);
        writer.Attribution(workload);
        writer.Times(workload);
    }

    public static Action<Utf8JsonWriter> Of(WorkloadRow workload) => JsonRows.Object(writer => Write(writer, workload));

    /// <summary>The answer that shows a new secret, once.</summary>
    public static Action<Utf8JsonWriter> WithSecret(WorkloadRow workload, string secret, DateTimeOffset? previousUntil = null) => JsonRows.Object(writer =>
    {
        Write(writer, workload);
        writer.WriteString("secret", secret);
        if (previousUntil is not null) writer.Time("previous_secret_expires_at", previousUntil);
    });
}
