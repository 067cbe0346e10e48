using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Protocol.Mandates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Caracal.Gateway.Tests.Support;

/// <summary>An STS at the HTTP port: recomputes every signature by hand and answers what a test tells it to.</summary>
internal sealed class StsDouble : HttpDouble
{
    private readonly byte[] _key;

    private StsDouble(byte[] key)
        : base(Build()) => _key = key;

    public ConcurrentQueue<Dictionary<string, StringValues>> Exchanges { get; } = new();

    public ConcurrentQueue<string> Nonces { get; } = new();

    public ConcurrentQueue<string> SignatureFaults { get; } = new();

    public int JwksRequests { get; private set; }

    public JsonWebKeySet? Keys { get; set; } = TestMandates.KeySet();

    /// <summary>The directive of every granted resource.</summary>
    public Dictionary<string, object?> Directive { get; } = new(StringComparer.Ordinal);

    /// <summary>Replaces the normal answer of the token endpoint.</summary>
    public RequestDelegate? Answer { get; set; }

    public bool Healthy { get; set; } = true;

    public static async Task<StsDouble> StartAsync(byte[] key)
    {
        var sts = new StsDouble(key);
        await sts.StartAsync(sts.HandleAsync);
        return sts;
    }

    private Task HandleAsync(HttpContext http) => http.Request.Path.Value switch
    {
        "/health" => Status(http, Healthy ? 200 : 503),
        "/.well-known/jwks.json" => JwksAsync(http),
        "/oauth/2/token" => ExchangeAsync(http),
        "/internal/gateway/ping" => PingAsync(http),
        _ => Status(http, 404),
    };

    private async Task JwksAsync(HttpContext http)
    {
        JwksRequests++;
        if (Keys is not { } keys || http.Request.Query["zone_id"] != TestMandates.Zone)
        {
            http.Response.StatusCode = 404;
            return;
        }

        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(keys.ToUtf8Json());
    }

    private async Task PingAsync(HttpContext http)
    {
        if (!IsSigned(http.Request, "/internal/gateway/ping", []))
        {
            http.Response.StatusCode = 401;
            return;
        }

        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync("""{"ok":true,"matched_slot":"current","matched_sid":"sid_0123456789abcdef"}""");
    }

    private async Task ExchangeAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body);
        var form = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body.ToArray()));
        Check(http.Request, body.ToArray(), form);
        Exchanges.Enqueue(form);
        if (Answer is { } answer)
        {
            await answer(http);
            return;
        }

        http.Response.ContentType = "application/json; charset=utf-8";
        await JsonSerializer.SerializeAsync(http.Response.Body, new Dictionary<string, object?>
        {
            ["access_token"] = "resource.mandate.token",
            ["token_type"] = "Bearer",
            ["expires_in"] = 120,
            ["issued_token_type"] = "urn:ietf:params:oauth:token-type:access_token",
            ["target_resources"] = new[] { form["resource"].ToString() },
            ["upstreams"] = new Dictionary<string, object?> { [form["resource"].ToString()] = Directive },
        });
    }

    private void Check(HttpRequest request, byte[] body, Dictionary<string, StringValues> form)
    {
        var timestamp = request.Headers["X-Caracal-Gateway-Timestamp"].ToString();
        var nonce = request.Headers["X-Caracal-Gateway-Request"].ToString();
        Expect(IsSigned(request, "/oauth/2/token", body), "signature");
        Expect(Math.Abs(long.Parse(timestamp, CultureInfo.InvariantCulture) - DateTimeOffset.UtcNow.ToUnixTimeSeconds()) <= 60, "timestamp");
        Expect(nonce.Length == 64 && nonce.All(c => char.IsAsciiHexDigitLower(c)), "nonce");
        Expect(form["gateway_request_id"] == request.Headers["X-Request-Id"], "gateway_request_id");
        Expect(request.Headers.UserAgent == "caracal-gateway", "user agent");
        Expect(request.ContentType == "application/x-www-form-urlencoded", "content type");
        Expect(form.Values.All(values => values.Count == 1), "a field twice");
        Nonces.Enqueue(nonce);
    }

    private bool IsSigned(HttpRequest request, string path, byte[] body)
    {
        var text = $"{request.Headers["X-Caracal-Gateway-Timestamp"]}\n{request.Headers["X-Caracal-Gateway-Request"]}\nPOST\n{path}\n{Convert.ToHexStringLower(SHA256.HashData(body))}";
        return request.Headers["X-Caracal-Gateway-Signature"] == Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)));
    }

    private void Expect(bool holds, string what)
    {
        if (!holds)
        {
            SignatureFaults.Enqueue(what);
        }
    }

    private static Task Status(HttpContext http, int status)
    {
        http.Response.StatusCode = status;
        return Task.CompletedTask;
    }
}
