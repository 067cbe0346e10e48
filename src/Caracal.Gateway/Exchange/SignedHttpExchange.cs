using System.Net.Http.Headers;
using Caracal.Hosting.StsCalls;
using Caracal.Hosting.Tracing;
using Caracal.Keys.Certificates;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Caracal.Protocol.Exchange;
using Microsoft.AspNetCore.WebUtilities;

namespace Caracal.Gateway.Exchange;

/// <summary>The exchange between processes: one signed POST to the STS (gateway.md A8, sts.md 5).</summary>
internal sealed class SignedHttpExchange : IGatewayExchange, IDisposable
{
    private const string Path = "/oauth/2/token";
    private const int LargestAnswer = 16 * 1024;
    private static readonly MediaTypeHeaderValue FormType = new("application/x-www-form-urlencoded");

    private readonly HttpMessageInvoker _http;
    private readonly HmacKeyRing? _keys;
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private readonly Uri _token;
    private readonly Uri _health;
    private readonly string _signedPath;

    /// <param name="stsUrl"><c>STS_URL</c>.</param>
    /// <param name="timeout"><c>STS_TIMEOUT</c>, for the whole call.</param>
    /// <param name="keys"><c>GATEWAY_STS_HMAC_KEY</c>; without it the STS refuses, which only dev mode allows.</param>
    /// <param name="authorities">Who may have signed the STS's certificate.</param>
    /// <param name="time">The clock that the signature's timestamp comes from.</param>
    public SignedHttpExchange(string stsUrl, TimeSpan timeout, HmacKeyRing? keys, ExtraAuthorities authorities, TimeProvider time)
    {
        var root = stsUrl.TrimEnd('/');
        _http = StsHttp.Create(authorities);
        _keys = keys;
        _time = time;
        _timeout = timeout;
        _token = new Uri(root + Path);
        _health = new Uri(root + "/health");
        _signedPath = _token.AbsolutePath;
    }

    public async Task<ExchangeOutcome> ExchangeAsync(ExchangeRequest request, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_timeout);
        using var span = Spans.StartCall("POST", _token);
        try
        {
            using var message = Sign(request, ExchangeForm.ToBytes(request));
            Spans.Continue(message);
            using var response = await _http.SendAsync(message, deadline.Token);
            span.Answered((int)response.StatusCode);
            var body = await ReadAsync(response, deadline.Token);
            var status = (int)response.StatusCode;
            return ExchangeAnswer.Read(status, IsJson(response.Content.Headers.ContentType), body, request.Resource, ReasonPhrases.GetReasonPhrase(status));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException fault)
        {
            span.Failed(fault);
            return ExchangeAnswer.Failed(GatewayErrors.StsTimeout, authenticated: false);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException)
        {
            span.Failed(fault);
            return ExchangeAnswer.Failed(GatewayErrors.StsUnreachable, authenticated: false);
        }
    }

    public async Task<bool> IsReachableAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Get, _health);
            using var response = await _http.SendAsync(message, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException)
        {
            return false;
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Sign(ExchangeRequest request, byte[] body)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = FormType;
        var message = new HttpRequestMessage(HttpMethod.Post, _token) { Content = content };
        message.Headers.TryAddWithoutValidation("Accept", "application/json");
        message.Headers.TryAddWithoutValidation("User-Agent", "caracal-gateway");
        message.Headers.TryAddWithoutValidation(CaracalHeaders.RequestId, request.RequestId);
        if (_keys is { } keys) SignedStsCall.Sign(message, keys, _time.GetUtcNow(), _signedPath, body);
        return message;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[LargestAnswer + 1];
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return length > LargestAnswer ? ReadOnlyMemory<byte>.Empty : buffer.AsMemory(0, length);
    }

    private static bool IsJson(MediaTypeHeaderValue? type) =>
        type?.MediaType is { } name
        && (name.Equals("application/json", StringComparison.OrdinalIgnoreCase) || name.EndsWith("+json", StringComparison.OrdinalIgnoreCase));
}
