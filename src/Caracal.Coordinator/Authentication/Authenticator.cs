using System.Net;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Caracal.Storage;
using Caracal.Storage.Sessions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Authentication;

/// <summary>Who calls, and whether this route is theirs: coordinator.md 3 in its order.</summary>
internal sealed class Authenticator(
    CoordinatorSettings settings, BearerVerifier verifier, Database database, DatabaseClock clock,
    CoordinatorDirectory directory, ILogger logger)
{
    private const string Scheme = "Bearer ";
    private const int MaximumTokenLength = 4_096;

    /// <summary>The bearer token, or null when the header has none that could be one.</summary>
    public static string? BearerOf(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { } text || !text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return null;
        }

        var token = text[Scheme.Length..].Trim();
        return token.Length is >= 1 and <= MaximumTokenLength ? token : null;
    }

    /// <summary>
    /// Whether the request may see <c>/metrics</c>: the metrics bearer or the operator token. Without a bearer configured
    /// they are open in dev and shut to everyone otherwise (coordinator.md 15, operations.md 6.1). Null when it may.
    /// </summary>
    public Refusal? CheckMetrics(HttpRequest request)
    {
        if (settings.MetricsBearer is null)
        {
            return settings.Published ? CoordinatorErrors.Unauthorized : null;
        }

        return BearerOf(request) is not { } token ? CoordinatorErrors.MissingToken
            : settings.MetricsBearer.Verify(token, From(request)) || IsOperator(token, request) ? null
            : CoordinatorErrors.Unauthorized;
    }

    /// <summary>Whether the request may see <c>/stats</c>; null when it may.</summary>
    public Refusal? CheckStatistics(HttpRequest request) =>
        BearerOf(request) is not { } token ? CoordinatorErrors.MissingToken
        : IsOperator(token, request) || (settings.MetricsBearer?.Verify(token, From(request)) ?? false) ? null
        : CoordinatorErrors.OperatorTokenRequired;

    /// <summary>The caller of a route (null: of no known route), or why it is refused.</summary>
    public async Task<(Caller? Caller, Refusal? Refusal)> AuthenticateAsync(HttpRequest request, Route? route, string? zoneId)
    {
        if (BearerOf(request) is not { } token)
        {
            return (null, CoordinatorErrors.MissingToken);
        }

        if (IsOperator(token, request) && route is { Operator: true })
        {
            return (Operator(), null);
        }

        var (claims, fault) = await verifier.VerifyAsync(token, zoneId: null, audience: null, request.HttpContext.RequestAborted);
        if (claims is null)
        {
            CoordinatorLog.JwtVerifyFailed(logger, fault.ToString());
            return (null, CoordinatorErrors.InvalidToken);
        }

        if (claims.Use != MandateUse.Session || claims.Subject is null || claims.ClientId is null)
        {
            return (null, CoordinatorErrors.InvalidToken);
        }

        var scopes = (claims.Scope ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (!scopes.Contains(settings.Scope, StringComparer.Ordinal))
        {
            return (null, CoordinatorErrors.MissingScope);
        }

        if (zoneId is not null && zoneId != claims.ZoneId)
        {
            CoordinatorLog.ZoneClaimMismatch(logger);
            return (null, CoordinatorErrors.ZoneMismatch);
        }

        return await IsLiveAsync(claims, request.HttpContext.RequestAborted)
            ? (CallerOf(claims, scopes), null)
            : (null, CoordinatorErrors.IdentityRevoked);
    }

    private bool IsOperator(string token, HttpRequest request) => settings.OperatorToken?.Verify(token, From(request)) ?? false;

    private IPAddress From(HttpRequest request) => ClientAddress.Of(request.HttpContext, settings);

    private Caller Operator() => new()
    {
        Subject = Caller.OperatorName,
        ClientId = Caller.OperatorName,
        Scopes = [settings.Scope, Caller.AdminScope],
        IsOperator = true,
    };

    private static Caller CallerOf(MandateClaims claims, string[] scopes) => new()
    {
        ZoneId = claims.ZoneId,
        Subject = claims.Subject!,
        ClientId = claims.ClientId!,
        Scopes = scopes,
        AuthorityRecordId = claims.Sid,
    };

    // Step 8: a signed token is only as good as the application and the record behind it are now.
    private Task<bool> IsLiveAsync(MandateClaims claims, CancellationToken cancellationToken) =>
        database.ReadAsync(
            connection => directory.IsLiveIdentityAsync(connection, claims.ZoneId!, claims.ClientId!, claims.Sid, clock.Now),
            cancellationToken);
}
