using System.Text.Json;
using System.Text.Json.Serialization;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Keys.Secrets;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console.SignIn;

/// <summary>Keeps a sign-in in the browser, sealed: no replica has to remember it, and a restart ends none.</summary>
internal sealed partial class SignInCookie(TokenRing secret, bool secureOutside, TimeProvider time)
{
    private const string Name = "caracal_console";

    /// <summary>The sign-in of a request; null when there is none, it has ended, or it was not sealed by us.</summary>
    public ConsoleSession? Read(HttpRequest request)
    {
        if (request.Cookies[Name] is not { Length: > 0 and <= 8192 } text || SignInSeal.Open(secret, text) is not { } content) return null;
        if (JsonSerializer.Deserialize(content, Shape.Default.Content) is not { Token: { } token, FormId: { } form } read) return null;
        var expires = DateTimeOffset.FromUnixTimeSeconds(read.Expires);
        return expires <= time.GetUtcNow() ? null : new ConsoleSession(new SecretText(token), read.ZoneId, form, expires);
    }

    public void Write(HttpContext context, ConsoleSession session)
    {
        var content = JsonSerializer.SerializeToUtf8Bytes(
            new Content(session.Token.Reveal(), session.ZoneId, session.FormId, session.Expires.ToUnixTimeSeconds()), Shape.Default.Content);
        context.Response.Cookies.Append(Name, SignInSeal.Seal(secret, content), Options(context, session.Expires));
    }

    public void Clear(HttpContext context) => context.Response.Cookies.Delete(Name, Options(context, null));

    // Strict: a link from elsewhere arrives signed out, so no other site can act through this browser.
    private CookieOptions Options(HttpContext context, DateTimeOffset? expires) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = secureOutside || context.Request.IsHttps,
        Path = "/",
        Expires = expires,
    };

    internal sealed record Content(
        [property: JsonPropertyName("t")] string? Token,
        [property: JsonPropertyName("z")] string? ZoneId,
        [property: JsonPropertyName("f")] string? FormId,
        [property: JsonPropertyName("e")] long Expires);

    [JsonSerializable(typeof(Content))]
    private sealed partial class Shape : JsonSerializerContext;
}
