using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Keys;

/// <summary><c>GET /internal/keys</c>: the key slots of this instance, by secret ids, for whoever may read metrics; to others it is not there (operations.md 4.2, 6.1).</summary>
/// <param name="service">The role.</param>
/// <param name="access">Who may look.</param>
/// <param name="held">What the role holds now.</param>
public sealed class KeyReport(string service, MetricsAccess access, Func<IReadOnlyList<HeldRing>> held)
{
    public const string Path = "/internal/keys";

    /// <summary>What else this instance tells of itself; null where no settings were read.</summary>
    public PostureReport? Posture { get; init; }

    private static readonly Refusal NotFound = new(404, "not_found");

    public Task HandleAsync(HttpContext context)
    {
        if (!access.Allows(context.Request)) return ErrorBody.WriteAsync(context, NotFound);
        return ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("service"u8, service);
            writer.WriteString("instance"u8, ServiceInstance.Id);
            writer.WritePropertyName("classes"u8);
            HeldRing.Write(writer, held());
            writer.WriteEndObject();
        });
    }
}
