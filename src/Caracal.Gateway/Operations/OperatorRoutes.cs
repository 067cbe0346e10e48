using Caracal.Gateway.Revocations;
using Caracal.Hosting.Health;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Operations;

/// <summary>The Gateway's own routes besides the proxy (gateway.md A1).</summary>
internal sealed class OperatorRoutes(
    CachedReadiness readiness, MetricsRegistry metrics, MetricsAccess access, TokenRing? adminToken,
    RevocationSnapshot snapshot, RevocationState revocations)
{
    private const string Scheme = "Bearer ";
    private static readonly TimeSpan ReloadBudget = TimeSpan.FromSeconds(5);

    public static Task HealthAsync(HttpContext http) => ErrorBody.WriteJsonAsync(http.Response, static writer =>
    {
        writer.WriteStartObject();
        writer.WriteBoolean("ok"u8, true);
        writer.WriteEndObject();
    });

    public Task ReadyAsync(HttpContext http) => ReadyAnswer.WriteAsync(http, readiness);

    public async Task MetricsAsync(HttpContext http)
    {
        if (!access.Allows(http.Request))
        {
            await UnauthorizedAsync(http);
            return;
        }

        await readiness.ReasonsAsync();
        await TextAsync(http, StatusCodes.Status200OK, "text/plain; version=0.0.4; charset=utf-8", metrics.ToText());
    }

    public Task MetricsJsonAsync(HttpContext http) => access.Allows(http.Request)
        ? ErrorBody.WriteJsonAsync(http.Response, writer =>
        {
            writer.WriteStartObject();
            metrics.WriteJson(writer);
            writer.WriteEndObject();
        })
        : UnauthorizedAsync(http);

    /// <summary><c>POST /internal/revocations/reload</c>: to whoever has no token the route does not exist.</summary>
    public async Task ReloadAsync(HttpContext http)
    {
        if (!IsAdmin(http.Request))
        {
            await TextAsync(http, StatusCodes.Status404NotFound, "text/plain; charset=utf-8", "not found");
            return;
        }

        using var budget = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        budget.CancelAfter(ReloadBudget);
        var reloaded = await TryReloadAsync(budget.Token);
        http.Response.StatusCode = reloaded ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await ErrorBody.WriteJsonAsync(http.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, reloaded);
            if (reloaded)
            {
                writer.WriteNumber("revocations"u8, revocations.Count);
            }
            else
            {
                writer.WriteBoolean("ready"u8, false);
                writer.WriteString("reason"u8, "revocation_reload_failed"u8);
            }

            writer.WriteEndObject();
        });
    }

    /// <summary><c>GET /internal/revocations/{anchor}</c>: whether this instance holds an id for revoked (operations.md 6.1).</summary>
    public Task AnchorAsync(HttpContext http, string anchor) => access.Allows(http.Request)
        ? ErrorBody.WriteJsonAsync(http.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("anchor"u8, anchor);
            writer.WriteBoolean("revoked"u8, revocations.IsMarked(anchor));
            writer.WriteEndObject();
        })
        : TextAsync(http, StatusCodes.Status404NotFound, "text/plain; charset=utf-8", "not found");

    private async Task<bool> TryReloadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await snapshot.ReloadAsync(cancellationToken).WaitAsync(cancellationToken);
            return true;
        }
        catch (Exception)
        {
            return false; // counted and logged where it happened
        }
    }

    private bool IsAdmin(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        return adminToken is not null && header.Count == 1 && header[0] is { } text
            && text.StartsWith(Scheme, StringComparison.Ordinal)
            && adminToken.Verify(text.AsSpan(Scheme.Length), request.HttpContext.Connection.RemoteIpAddress);
    }

    private static Task UnauthorizedAsync(HttpContext http) =>
        TextAsync(http, StatusCodes.Status401Unauthorized, "text/plain; charset=utf-8", "unauthorized");

    private static Task TextAsync(HttpContext http, int status, string type, string text)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = type;
        return http.Response.WriteAsync(text, http.RequestAborted);
    }
}
