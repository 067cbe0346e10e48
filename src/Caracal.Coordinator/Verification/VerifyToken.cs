using System.Text.Json;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Requests;
using Caracal.Hosting.Http;
using Caracal.Protocol.Mandates;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Verification;

/// <summary><c>POST /v1/verify</c>: checks a mandate for a caller that has no verifier of its own (coordinator.md 11).</summary>
internal sealed class VerifyToken(CoordinatorSettings settings, BearerVerifier verifier, RateLimits limits, ILogger logger)
{
    private const string Scheme = "Bearer ";
    private const int MaximumTokenLength = 4_096;
    private const int MaximumHops = 10;
    private static readonly string[] Known = ["zone_id", "token", "authorization", "required_scope", "require_session", "require_delegation", "audience"];

    public async Task HandleAsync(HttpContext context)
    {
        var address = ClientAddress.Of(context, settings).ToString();
        if (await limits.HitAsync("verify_rl", address, settings.VerifyRateLimit, onlyShared: false, context.RequestAborted) is { } wait)
        {
            context.Response.Headers.RetryAfter = wait.ToString();
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, "rate_limited");
            return;
        }

        var (body, refusal) = await RequestBody.ReadAsync(context.Request, settings.BodyLimit, context.RequestAborted);
        if (refusal is not null || !TryRead(body, out var request))
        {
            await RefuseAsync(context, refusal?.Status ?? StatusCodes.Status400BadRequest, refusal?.Code ?? CoordinatorErrors.InvalidRequest.Code);
            return;
        }

        if (request.Token is not { Length: > 0 and <= MaximumTokenLength } token)
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "missing_token");
            return;
        }

        var (claims, fault) = await verifier.VerifyAsync(token, request.ZoneId, request.Audience, context.RequestAborted);
        if (claims is null || !Satisfies(claims, request))
        {
            CoordinatorLog.TokenVerificationFailed(logger, claims is null ? fault.ToString() : nameof(TokenFault.ClaimInvalid));
            await RefuseAsync(context, StatusCodes.Status401Unauthorized, "token_invalid");
            return;
        }

        context.Response.StatusCode = StatusCodes.Status200OK;
        await ErrorBody.WriteJsonAsync(context.Response, writer => VerifiedClaims.Write(writer, claims));
    }

    // Only the classes that belong to the audience: a session mandate to the issuer, a resource mandate to the named one.
    private static bool Satisfies(MandateClaims claims, VerifyRequest request) =>
        claims.Use == (request.Audience is null ? MandateUse.Session : MandateUse.Resource)
        && claims.IssuedAt is not null && claims.Jti is not null && claims.Subject is not null && claims.ClientId is not null
        && claims.Sid is not null && claims.RootSid is not null && claims.SubjectType is "user" or "application"
        && claims.HopCount <= MaximumHops
        && (request.RequiredScope is null || (claims.Scope ?? "").Split(' ').Contains(request.RequiredScope, StringComparer.Ordinal))
        && (!request.RequireSession || claims.AgentSessionId is not null)
        && (!request.RequireDelegation || claims.DelegationEdgeId is not null);

    private static bool TryRead(JsonElement body, out VerifyRequest request)
    {
        request = default;
        if (body.ValueKind != JsonValueKind.Object || body.EnumerateObject().Any(member => !Known.Contains(member.Name, StringComparer.Ordinal)))
        {
            return false;
        }

        var reader = new BodyReader(body);
        var zoneId = reader.RequiredText("zone_id");
        var token = Text(body, "token") ?? Text(body, "authorization");
        request = new VerifyRequest(
            zoneId,
            token?.StartsWith(Scheme, StringComparison.Ordinal) == true ? token[Scheme.Length..] : token,
            reader.OptionalText("audience"),
            reader.OptionalText("required_scope"),
            Flag(reader, "require_session"),
            Flag(reader, "require_delegation"));
        return reader.IsValid;
    }

    private static string? Text(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    private static bool Flag(BodyReader reader, string name)
    {
        var value = reader.Member(name);
        if (value.ValueKind is JsonValueKind.Undefined or JsonValueKind.True or JsonValueKind.False)
        {
            return value.ValueKind == JsonValueKind.True;
        }

        reader.AddIssue("Expected true or false", name);
        return false;
    }

    private static Task RefuseAsync(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        return ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("valid"u8, false);
            writer.WriteString("error"u8, error);
            writer.WriteEndObject();
        });
    }

    private readonly record struct VerifyRequest(
        string ZoneId, string? Token, string? Audience, string? RequiredScope, bool RequireSession, bool RequireDelegation);
}
