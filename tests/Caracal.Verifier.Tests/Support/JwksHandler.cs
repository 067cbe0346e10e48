using System.Net;
using System.Text;

namespace Caracal.Verifier.Tests.Support;

/// <summary>An issuer at the HTTP port: serves a JWKS, counts, and fails when told to.</summary>
internal sealed class JwksHandler(string document) : HttpMessageHandler
{
    private int _requests;

    public string Document { get; set; } = document;

    public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

    public bool Down { get; set; }

    /// <summary>Holds every answer back until it is completed.</summary>
    public TaskCompletionSource? Gate { get; set; }

    public int Requests => Volatile.Read(ref _requests);

    public Uri? Asked { get; private set; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _requests);
        Asked = request.RequestUri;
        if (Gate is { } gate)
        {
            await gate.Task.WaitAsync(cancellationToken);
        }

        return Down
            ? throw new HttpRequestException("down")
            : new HttpResponseMessage(Status) { Content = new StringContent(Document, Encoding.UTF8, "application/json") };
    }
}
