using System.Net;
using Caracal.Hosting.Tracing;
using Caracal.Keys.Certificates;
using Caracal.Protocol.Mandates;

namespace Caracal.Hosting.StsCalls;

/// <summary>What a JWKS request came to; the default has no keys.</summary>
/// <param name="Keys">At least one usable key, or null.</param>
/// <param name="ZoneUnknown">True when the STS says that there is no such zone.</param>
/// <param name="Fault">Why there are no keys, for the log.</param>
public readonly record struct JwksFetch(JsonWebKeySet? Keys, bool ZoneUnknown, string? Fault);

/// <summary>Fetches a zone's JWKS from the STS (gateway.md A5).</summary>
public sealed class JwksSource : IDisposable
{
    private const int LargestDocument = 256 * 1024;

    private readonly HttpMessageInvoker _http;
    private readonly TimeSpan _timeout;
    private readonly string _root;

    /// <param name="stsUrl"><c>STS_URL</c>.</param>
    /// <param name="timeout">For the whole fetch.</param>
    /// <param name="authorities">Who may have signed the STS's certificate.</param>
    public JwksSource(string stsUrl, TimeSpan timeout, ExtraAuthorities authorities)
        : this(authorities, timeout, stsUrl.TrimEnd('/') + "/.well-known/jwks.json?zone_id=")
    {
    }

    private JwksSource(ExtraAuthorities authorities, TimeSpan timeout, string root) =>
        (_http, _timeout, _root) = (StsHttp.Create(authorities), timeout, root);

    /// <summary>The source at a JWKS address of its own, <c>STS_JWKS_URL</c>; the zone is added to its query.</summary>
    public static JwksSource At(string jwksUrl, TimeSpan timeout, ExtraAuthorities authorities) =>
        new(authorities, timeout, jwksUrl + (jwksUrl.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "zone_id=");

    public async Task<JwksFetch> FetchAsync(string zoneId, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, _root + Uri.EscapeDataString(zoneId));
            Spans.Continue(request);
            using var response = await _http.SendAsync(request, deadline.Token);
            return response.StatusCode == HttpStatusCode.OK
                ? await ReadAsync(response, deadline.Token)
                : new JwksFetch(null, response.StatusCode == HttpStatusCode.NotFound, $"status {(int)response.StatusCode}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new JwksFetch(null, false, "timeout");
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException)
        {
            return new JwksFetch(null, false, fault.GetType().Name);
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<JwksFetch> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentLength > LargestDocument)
        {
            return new JwksFetch(null, false, "too large");
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var body = new MemoryStream();
        var buffer = new byte[8192];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            body.Write(buffer, 0, read);
            if (body.Length > LargestDocument)
            {
                return new JwksFetch(null, false, "too large");
            }
        }

        return JsonWebKeySet.TryParse(body.GetBuffer().AsMemory(0, (int)body.Length)) is { Keys.Count: > 0 } keys
            ? new JwksFetch(keys, false, null)
            : new JwksFetch(null, false, "no usable key");
    }
}
