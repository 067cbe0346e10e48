using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Control;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Caracal.Protocol;
using Caracal.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.Http;

/// <summary>What every <c>/v1/</c> call goes through, in the order of api.md 1.</summary>
internal sealed class ControlPlanePipeline(
    ControlPlaneSettings settings,
    Router router,
    RateLimits limits,
    AdminAuthentication authentication,
    ZoneAccess access,
    Changes changes,
    DatabaseClock clock,
    AuthenticationFailures authenticationFailures,
    ILogger log)
{
    private readonly ClientAddress _addresses = new(settings);

    public async Task HandleAsync(HttpContext context)
    {
        SetHeaders(context.Response.Headers);
        var call = CallOf(context, out var segments);
        var answer = await AnswerSafelyAsync(call, segments);
        if (answer.Succeeded && IsMutation(context) && !await changes.RecordAsync(call, answer)) answer = ControlPlaneErrors.AuditUnavailable;
        await AnswerWriter.WriteAsync(context, answer);

        // Unauthenticated failures are counted, not chained: a row each would let anyone fill a zone's ledger.
        if (!answer.Succeeded && call.IsAuthenticated) await changes.RecordAsync(call, answer);
    }

    // A fault is answered here, so that it carries the headers of every other answer and leaves its audit row.
    private async Task<Answer> AnswerSafelyAsync(ApiCall call, string[]? segments)
    {
        try
        {
            return await AnswerAsync(call, segments);
        }
        catch (Exception fault) when (fault is not (OperationCanceledException or IOException))
        {
            ServiceLog.UnhandledFault(log, fault, ControlPlaneSettings.Role, call.RequestId);
            return ControlPlaneErrors.InternalError;
        }
    }

    private async Task<Answer> AnswerAsync(ApiCall call, string[]? segments)
    {
        var context = call.Context;
        var address = _addresses.Of(context);
        if (await limits.CheckAddressAsync(address, call.Cancelled) is { } tooMany) return tooMany;
        if (BodyReader.CheckHeaders(context.Request, settings.BodyLimit) is { } unreadable) return unreadable;
        if (segments is null) return ControlPlaneErrors.InvalidParams.With("the path cannot be decoded");

        var match = router.Find(context.Request.Method, segments);
        if (match is not null) context.TakeRoute(match.Route.Pattern);
        call.Parameters = match?.Parameters ?? call.Parameters;

        // Control authenticates by itself where it is mounted; elsewhere its path is not there, with or without a token (control.md 1).
        if (match is null && call.Path == ControlPlugin.Path) return UnknownRoute(context, call.Path);
        if (match is not { Route.IsOpen: true })
        {
            if (await authentication.AuthenticateAsync(context) is not { } caller)
            {
                authenticationFailures.Note(address);
                return await limits.CountFailureAsync(address, call.Cancelled) ?? ControlPlaneErrors.InvalidAdminToken;
            }

            call.Caller = caller;
            var (refusal, bound) = await access.CheckAsync(caller, context, call.Path, ZoneOf(segments), NeedOf(match, context));
            call.Caller = bound;
            if (refusal is not null) return refusal;
            if (await limits.CheckActorAsync(caller.TokenId, call.Cancelled) is { } busy) return busy;
            await authentication.TouchAsync(caller);
        }

        if (match is null) return UnknownRoute(context, call.Path);
        if (!match.ParametersValid) return ControlPlaneErrors.InvalidParams;
        var body = await BodyReader.ReadAsync(context.Request, Math.Min(settings.BodyLimit, match.Route.BodyLimit ?? settings.BodyLimit), call.Cancelled);
        if (body.Problem is not null) return body.Problem;
        call.Body = body.Document?.RootElement;
        if (body.Document is not null) context.Response.RegisterForDispose(body.Document);

        // The database itself shows a zone's token nothing but its zone, whatever a handler may ask for (storage.md 3).
        using var limit = call is { IsAuthenticated: true, Caller.ZoneId: { } zone } ? changes.Database.RestrictTo(zone) : null;
        return await match.Route.Handler(call);
    }

    private ApiCall CallOf(HttpContext context, out string[]? segments)
    {
        var raw = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        var query = raw.IndexOf('?', StringComparison.Ordinal);
        segments = Router.Split(query < 0 ? raw : raw[..query]);
        return new ApiCall(context, context.RequestId(), segments is null ? context.Request.Path.Value ?? "/" : string.Join('/', segments), clock.Now);
    }

    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers["x-content-type-options"] = "nosniff";
        headers["referrer-policy"] = "no-referrer";
        headers.CacheControl = "no-store";
    }

    private static string? ZoneOf(string[] segments) => segments is ["", "v1", "zones", var zone, ..] && zone.Length > 0 ? zone : null;

    private static AdminNeed NeedOf(RouteMatch? match, HttpContext context) =>
        match?.Route.Need ?? (IsMutation(context) ? AdminNeed.Change : AdminNeed.Look);

    private static bool IsMutation(HttpContext context) => context.Request.Method is "POST" or "PUT" or "PATCH" or "DELETE";

    /// <summary>The 404 of a path nobody serves, in the shape v1.0 clients know.</summary>
    public static Answer UnknownRoute(HttpContext context, string path) => Answer.Of(404, JsonRows.Object(writer =>
    {
        writer.WriteString("message", $"Route {context.Request.Method}:{path} not found");
        writer.WriteString("error", "Not Found");
        writer.WriteNumber("statusCode", 404);
    }));
}
