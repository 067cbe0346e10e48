using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Tests.Servers;

/// <summary>An authorization server as strict as the RFCs: each client authenticates in exactly one way, each refresh token works once.</summary>
internal sealed class OAuthServer : HttpsServer
{
    public const string Endpoint = "https://login.example.com/token";
    public const string ClientId = "cäracal client";
    public const string ClientSecret = "s3cr:t &+/%";

    private readonly ConcurrentDictionary<string, bool> _seenAssertions = new();
    private readonly ConcurrentDictionary<string, bool> _refreshTokens = new();
    private int _requests;
    private int _issued;

    /// <summary>How clients must authenticate: <c>basic</c>, <c>post</c>, <c>jwt</c> or <c>none</c>.</summary>
    public string Authentication { get; set; } = "basic";

    /// <summary>The key behind assertions, of the client and of the grant.</summary>
    public string PublicKeyPem { get; set; } = "";

    /// <summary>Answers instead of the server when set; null goes on.</summary>
    public Func<HttpContext, IFormCollection, Task<bool>>? Instead { get; set; }

    /// <summary>Every form it was sent.</summary>
    public ConcurrentQueue<Dictionary<string, string>> Forms { get; } = new();

    public ConcurrentQueue<JwtParts> Assertions { get; } = new();

    public int Requests => _requests;

    public int? ExpiresIn { get; set; } = 300;

    public bool RotatesRefreshTokens { get; set; } = true;

    public TimeSpan Delay { get; set; }

    public static async Task<OAuthServer> StartAsync()
    {
        var server = new OAuthServer();
        await server.RunAsync();
        return server;
    }

    /// <summary>A refresh token that works once.</summary>
    public string NewRefreshToken()
    {
        var token = "rt-" + Guid.NewGuid().ToString("N");
        _refreshTokens[token] = true;
        return token;
    }

    protected override async Task HandleAsync(HttpContext context)
    {
        Interlocked.Increment(ref _requests);
        if (context.Request.Method != "POST" || context.Request.Path != "/token" || !context.Request.HasFormContentType
            || context.Request.Headers.Accept != "application/json")
        {
            context.Response.StatusCode = 404;
            return;
        }

        var form = await context.Request.ReadFormAsync();
        Forms.Enqueue(form.ToDictionary(field => field.Key, field => field.Value.ToString()));
        if (Instead is { } instead && await instead(context, form))
        {
            return;
        }

        await Task.Delay(Delay);
        if (!Authenticates(context.Request, form))
        {
            await RefuseAsync(context, 401, "invalid_client");
            return;
        }

        await GrantAsync(context, form);
    }

    private async Task GrantAsync(HttpContext context, IFormCollection form)
    {
        string? refresh = null;
        switch (form["grant_type"].ToString())
        {
            case "client_credentials":
                break;
            case "refresh_token" when _refreshTokens.TryRemove(form["refresh_token"].ToString(), out _):
                refresh = RotatesRefreshTokens ? NewRefreshToken() : null;
                break;
            case "urn:ietf:params:oauth:grant-type:jwt-bearer" when Proves(form["assertion"].ToString(), 300):
                break;
            case "refresh_token" or "urn:ietf:params:oauth:grant-type:jwt-bearer":
                await RefuseAsync(context, 400, "invalid_grant");
                return;
            default:
                await RefuseAsync(context, 400, "unsupported_grant_type");
                return;
        }

        await context.Response.WriteAsJsonAsync(new Dictionary<string, object?>
        {
            ["access_token"] = $"at-{Interlocked.Increment(ref _issued)}",
            ["token_type"] = "bearer",
            ["expires_in"] = ExpiresIn,
            ["refresh_token"] = refresh,
        });
    }

    private bool Authenticates(HttpRequest request, IFormCollection form)
    {
        var header = request.Headers.Authorization.ToString();
        var hasSecret = form.ContainsKey("client_secret");
        var hasAssertion = form.ContainsKey("client_assertion");
        return Authentication switch
        {
            "basic" => !hasSecret && !hasAssertion && !form.ContainsKey("client_id") && header == Basic(),
            "post" => header.Length == 0 && !hasAssertion && form["client_id"] == ClientId && form["client_secret"] == ClientSecret,
            "jwt" => header.Length == 0 && !hasSecret && form["client_id"] == ClientId
                && form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                && Proves(form["client_assertion"].ToString(), 60),
            _ => header.Length == 0 && !hasSecret && !hasAssertion
                && (form["client_id"] == ClientId || form["grant_type"].ToString().EndsWith("jwt-bearer", StringComparison.Ordinal)),
        };
    }

    // RFC 7523 3, with the single use that servers may demand.
    private bool Proves(string assertion, long lifetime)
    {
        if (JwtParts.TryRead(assertion) is not { } token || !token.Verifies(PublicKeyPem))
        {
            return false;
        }

        Assertions.Enqueue(token);
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var expiry = token.Claim("exp").GetInt64();
        return token.Claim("iss").GetString() == ClientId
            && token.Claim("aud").GetString() is Endpoint or "https://login.example.com/"
            && expiry > now && expiry <= now + lifetime
            && _seenAssertions.TryAdd(token.Claim("jti").GetString()!, true);
    }

    private static Task RefuseAsync(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { error });
    }

    private static string Basic()
    {
        static string Encode(string text) => System.Net.WebUtility.UrlEncode(text);
        return "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{Encode(ClientId)}:{Encode(ClientSecret)}"));
    }
}
