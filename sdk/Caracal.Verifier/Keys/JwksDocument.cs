using System.Net;
using Caracal.Protocol.Mandates;

namespace Caracal.Verifier.Keys;

/// <summary>Fetches a JWKS: five seconds, 256 KiB, no redirects.</summary>
internal sealed class JwksDocument : IDisposable
{
    private const int LargestDocument = 256 * 1024;
    private static readonly TimeSpan FetchTime = TimeSpan.FromSeconds(5);

    private readonly HttpMessageInvoker _http;
    private readonly bool _ownsHttp;
    private readonly Uri _address;

    public JwksDocument(string issuer, string zoneId, HttpMessageInvoker? http)
    {
        _ownsHttp = http is null;
        _http = http ?? new HttpMessageInvoker(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
        _address = new Uri($"{issuer.TrimEnd('/')}/.well-known/jwks.json?zone_id={Uri.EscapeDataString(zoneId)}");
    }

    /// <summary>Null when there is no usable key to be had now.</summary>
    public async Task<JsonWebKeySet?> TryFetchAsync()
    {
        using var deadline = new CancellationTokenSource(FetchTime);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, _address);
            using var response = await _http.SendAsync(request, deadline.Token);
            return response.StatusCode == HttpStatusCode.OK && response.Content.Headers.ContentLength is null or <= LargestDocument
                ? await ReadAsync(response.Content, deadline.Token)
                : null;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        if (_ownsHttp)
        {
            _http.Dispose();
        }
    }

    private static async Task<JsonWebKeySet?> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        using var body = new MemoryStream();
        var buffer = new byte[8192];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
        {
            body.Write(buffer, 0, read);
            if (body.Length > LargestDocument)
            {
                return null;
            }
        }

        return JsonWebKeySet.TryParse(body.GetBuffer().AsMemory(0, (int)body.Length)) is { Keys.Count: > 0 } keys ? keys : null;
    }
}
