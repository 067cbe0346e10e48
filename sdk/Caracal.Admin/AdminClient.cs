using System.Text.Json;
using System.Text.Json.Nodes;

namespace Caracal.Admin;

/// <summary>The Admin API, typed. Thread-safe.</summary>
public sealed class AdminClient : IDisposable
{
    private readonly AdminOptions _options;
    private readonly HttpMessageInvoker _http;

    public AdminClient(AdminOptions options)
    {
        _options = options;
        _http = new HttpMessageInvoker(
            options.Http ?? new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60) }, disposeHandler: options.Http is null);
        Transport = new AdminTransport(_http, options.ApiUrl, options.AdminToken, options);
        Zones = new AdminGroup<Zone>(Transport, "/v1/zones", AdminJson.Default.Zone);
    }

    public AdminGroup<Zone> Zones { get; }

    internal AdminTransport Transport { get; }

    /// <summary>One zone's things.</summary>
    public ZoneAdmin In(string zoneId) => new(this, zoneId);

    /// <summary>The zone of that name, made if there is none.</summary>
    public async Task<Zone> EnsureZoneAsync(string name, CancellationToken cancellationToken = default)
    {
        var zones = await Zones.ListAsync(cancellationToken: cancellationToken).ConfigureAwait(false);
        return zones.FirstOrDefault(zone => (zone.Name ?? zone.DisplayName) == name)
            ?? await Zones.CreateAsync(new JsonObject { ["name"] = name }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Any other call of the Admin API.</summary>
    public Task<JsonElement> SendAsync(HttpMethod method, string path, JsonObject? body = null, CancellationToken cancellationToken = default) =>
        Transport.SendAsync(method, path, body, cancellationToken);

    public void Dispose() => _http.Dispose();

    internal AdminTransport Coordinator() => new(
        _http,
        _options.CoordinatorUrl ?? throw new AdminApiException(0, "coordinator_url_not_configured", "coordinator", ""),
        _options.CoordinatorToken ?? throw new AdminApiException(0, "coordinator_token_not_configured", "coordinator", ""),
        _options);
}
