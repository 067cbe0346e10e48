using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Settings;

/// <summary><c>GET /internal/posture</c>: the mode and the settings this instance started with, and where its secrets come from (operations.md 6.1).</summary>
/// <param name="reader">The role's settings, all of them read.</param>
/// <param name="version">Build version.</param>
/// <param name="access">Who may look; to others the route is not there.</param>
/// <param name="held">The secrets that the role holds.</param>
public sealed class PostureReport(SettingsReader reader, string version, MetricsAccess access, Func<IReadOnlyList<HeldRing>> held)
{
    public const string Path = "/internal/posture";

    private static readonly Refusal NotFound = new(404, "not_found");

    // Secrets are read elsewhere; whatever still looks like one has no place here.
    private readonly SortedDictionary<string, string> _settings = new(
        reader.Names.ToArray().Where(name => !Redaction.IsSecretName(name) && reader.Text(name) is not null)
            .ToDictionary(name => name, name => Redaction.Scrub(reader.Text(name)!), StringComparer.Ordinal),
        StringComparer.Ordinal);

    public Task HandleAsync(HttpContext context)
    {
        if (!access.Allows(context.Request)) return ErrorBody.WriteAsync(context, NotFound);
        return ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("service"u8, reader.Role);
            writer.WriteString("mode"u8, reader.Mode.ToText());
            writer.WriteString("version"u8, version);
            writer.WriteStartObject("settings"u8);
            foreach (var (name, value) in _settings) writer.WriteString(name, value);
            writer.WriteEndObject();
            writer.WriteStartObject("secret_sources"u8);
            foreach (var ring in held()) writer.WriteString(ring.ClassId, ring.Source);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
    }
}
