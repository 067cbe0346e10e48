using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Applications;

namespace Caracal.ControlPlane.Applications;

/// <summary>An application on the wire (api.md 5).</summary>
internal static class ApplicationJson
{
    /// <summary>A row; traits are for global callers only.</summary>
    public static Action<Utf8JsonWriter, ApplicationRow> Row(ApiCall call) => (writer, application) =>
    {
        WriteHead(writer, application);
        if (call.Caller.IsGlobal) writer.Texts("traits", application.Traits);
        writer.Time("expires_at", application.ExpiresAt);
        writer.Time("archived_at", application.ArchivedAt);
        writer.Attribution(application);
        writer.Times(application);
    };

    public static Action<Utf8JsonWriter> Of(ApiCall call, ApplicationRow application) =>
        JsonRows.Object(writer => Row(call)(writer, application));

    /// <summary>The answer that shows a new secret, once: without traits and archive time.</summary>
    public static Action<Utf8JsonWriter> WithSecret(ApplicationRow application, string secret, DateTimeOffset? previousUntil = null) => JsonRows.Object(writer =>
    {
        WriteHead(writer, application);
        writer.Time("expires_at", application.ExpiresAt);
        writer.Attribution(application);
        writer.Times(application);
        writer.WriteString("client_secret", secret);
        if (previousUntil is not null) writer.Time("previous_secret_expires_at", previousUntil);
    });

    private static void WriteHead(Utf8JsonWriter writer, ApplicationRow application)
    {
        writer.WriteString("id", application.Id);
        writer.WriteString("zone_id", application.ZoneId);
        writer.WriteString("name", application.Name);
        writer.WriteString("registration_method", application.RegistrationMethod);
    }
}
