using Caracal.Keys.Rings;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit;

/// <summary>Who may use the operator routes: <c>AUDIT_ADMIN_TOKEN</c>; unset hides them (audit.md 10).</summary>
/// <param name="token">The token's slots; null when unset.</param>
internal sealed class AdminAccess(TokenRing? token)
{
    private const string Scheme = "Bearer ";

    /// <summary>True when the caller may go on; otherwise the answer is written.</summary>
    public async Task<bool> AllowsAsync(HttpContext context)
    {
        if (token is null)
        {
            await PlainText.WriteAsync(context, 404, AuditErrors.NotFound);
            return false;
        }

        var header = context.Request.Headers.Authorization;
        if (header.Count == 1 && header[0] is { } text
            && text.StartsWith(Scheme, StringComparison.Ordinal) && token.Verify(text.AsSpan(Scheme.Length), context.Connection.RemoteIpAddress))
        {
            return true;
        }

        context.Response.Headers.WWWAuthenticate = "Bearer realm=\"caracal-audit\"";
        await PlainText.WriteAsync(context, 401, AuditErrors.Unauthorized);
        return false;
    }
}
