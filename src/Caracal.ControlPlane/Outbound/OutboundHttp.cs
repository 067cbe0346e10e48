using System.Net;
using Caracal.Egress;

namespace Caracal.ControlPlane.Outbound;

/// <summary>An answer from outside; a body past the limit counts as empty.</summary>
internal sealed record OutboundAnswer(int Status, ReadOnlyMemory<byte> Body);

/// <summary>
/// Calls to places that an administrator named (api.md 7): every address is checked and dialled as checked, no redirects,
/// small answers, a deadline. This machine is closed even where an operator opened private networks.
/// </summary>
internal sealed class OutboundHttp : IDisposable
{
    /// <summary>The most of an answer that is read.</summary>
    public const int LargestAnswer = 64 * 1024;

    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);

    private readonly GuardedHttp? _guarded;
    private readonly Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> _send;

    public OutboundHttp(ControlPlaneSettings settings, HttpMessageInvoker? given, TimeProvider time)
    {
        _guarded = given is null
            ? new GuardedHttp(
                new EgressGuard(
                    new EgressPolicy(allowPrivate: false, settings.PrivateEgressHosts, allowedHosts: []),
                    new PublicResolver(new SystemHostResolver()),
                    time),
                new GuardedHttpOptions { ValidateCertificate = ExtraTrust.FromFile(settings.ExtraAuthoritiesFile) })
            : null;
        _send = given is null ? _guarded!.SendAsync : given.SendAsync;
    }

    /// <summary>Null when nothing answered in time, or the place may not be called.</summary>
    public async Task<OutboundAnswer?> AskAsync(HttpRequestMessage request, CancellationToken cancellationToken, TimeSpan? timeout = null, bool plainToo = false)
    {
        if (!MayCall(request.RequestUri!, plainToo)) return null;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout ?? Timeout);
        try
        {
            using var response = await _send(request, deadline.Token);
            var body = await LimitedBody.ReadAsync(response.Content, LargestAnswer, deadline.Token);
            return new OutboundAnswer((int)response.StatusCode, body ?? ReadOnlyMemory<byte>.Empty);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    public void Dispose() => _guarded?.Dispose();

    // A literal address needs no resolver, so this machine is refused here, too (see PublicResolver).
    private static bool MayCall(Uri uri, bool plainToo) =>
        uri.UserInfo.Length == 0
        && (uri.Scheme == Uri.UriSchemeHttps || (plainToo && uri.Scheme == Uri.UriSchemeHttp))
        && !(IPAddress.TryParse(uri.Host.Trim('[', ']'), out var literal) && AddressRules.Classify(literal) == AddressClass.Loopback);
}
