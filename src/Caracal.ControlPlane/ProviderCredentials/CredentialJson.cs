using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.ProviderCredentials;

namespace Caracal.ControlPlane.ProviderCredentials;

/// <summary>A provider's second credential on the wire: how far it is, and nothing of what it is.</summary>
internal static class CredentialJson
{
    public static Action<Utf8JsonWriter> Of(CredentialChange? change) => JsonRows.Object(writer =>
    {
        writer.WriteString("state", change?.State ?? "none");
        if (change is null) return;
        writer.WriteString("id", change.Id);
        writer.WriteString("provider_id", change.ProviderId);
        writer.WriteNumber("version", change.Version);
        if (change.CanaryStatus is null)
        {
            writer.WriteNull("canary");
        }
        else
        {
            writer.WriteStartObject("canary");
            writer.WriteString("status", change.CanaryStatus);
            writer.WriteString("detail", change.CanaryDetail);
            writer.Time("checked_at", change.CanaryAt);
            writer.WriteEndObject();
        }

        writer.WriteBoolean("forced", change.Forced);
        writer.WriteBoolean("automatic", change.Automatic);
        writer.WriteNumber("refusals_allowed", change.RefusalsAllowed);
        writer.WriteNumber("refused_percent", change.RefusedPercent);
        writer.Time("shifted_at", change.ShiftedAt);
        writer.Time("observe_until", change.ObserveUntil);
        writer.WriteNumber("answers", change.Answers);
        writer.WriteNumber("refusals", change.Refusals);
        writer.Time("ended_at", change.EndedAt);
        writer.WriteString("end_reason", change.EndReason);
        writer.WriteString("created_by", change.CreatedBy);
        writer.Time("created_at", change.CreatedAt);
        writer.Time("updated_at", change.UpdatedAt);
    });
}
