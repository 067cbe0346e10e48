using System.Buffers;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Caracal.Gateway.Forwarding;

/// <summary>
/// Writes an answer's body, and trailers where the protocol has them. Over HTTP/1.1 the chunks are framed here, because
/// the server's own chunking ends without trailers.
/// </summary>
internal sealed class AnswerBody
{
    private readonly HttpResponse _response;
    private readonly PipeWriter _writer;
    private readonly bool _chunks;
    private readonly IHttpResponseTrailersFeature? _trailers;

    /// <param name="http">The response's headers must still be unsent.</param>
    /// <param name="hasBody">False for HEAD, 204, 304 and the like.</param>
    /// <param name="length">The promised length, or null.</param>
    public AnswerBody(HttpContext http, bool hasBody, long? length)
    {
        _response = http.Response;
        _writer = http.Response.BodyWriter;
        _trailers = length is null ? http.Features.Get<IHttpResponseTrailersFeature>() : null;
        _chunks = hasBody && length is null && HttpProtocol.IsHttp11(http.Request.Protocol);
        if (_chunks)
        {
            _response.Headers.TransferEncoding = "chunked";
        }
    }

    /// <summary>True when the end of the body can say more than that it is the end.</summary>
    public bool CarriesTrailers => _chunks || _trailers is not null;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return; // an empty chunk would be the last one
        }

        if (_chunks)
        {
            var size = _writer.GetSpan(16);
            Utf8Formatter.TryFormat(bytes.Length, size, out var digits, new StandardFormat('x'));
            "\r\n"u8.CopyTo(size[digits..]);
            _writer.Advance(digits + 2);
        }

        _writer.Write(bytes);
        if (_chunks)
        {
            _writer.Write("\r\n"u8);
        }
    }

    public ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken) => _writer.FlushAsync(cancellationToken);

    /// <summary>Ends the body with its trailers; where there can be none they are left out.</summary>
    public ValueTask<FlushResult> EndAsync(IReadOnlyList<KeyValuePair<string, string>> trailers)
    {
        if (_chunks)
        {
            _writer.Write("0\r\n"u8);
            foreach (var (name, value) in trailers)
            {
                Encoding.ASCII.GetBytes($"{name}: {value}\r\n", _writer);
            }

            _writer.Write("\r\n"u8);
        }
        else if (_trailers is { Trailers: var target })
        {
            foreach (var (name, value) in trailers)
            {
                target[name] = value;
            }
        }

        return _writer.FlushAsync(CancellationToken.None);
    }
}
