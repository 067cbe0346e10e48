using System.Text.Json;
using Caracal.Authority.Idempotency;
using Caracal.Coordinator.AdminAudit;
using Caracal.Coordinator.Authentication;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Requests;

/// <summary>
/// The spine of every authenticated request (coordinator.md 2): body, authentication, rate limit, route, audit. The rate
/// limit counts per client once a caller is known and per address otherwise, so that callers behind one proxy do not use
/// up each other's share (coordinator.md 19.11); a flood without a valid token still ends in 429.
/// </summary>
internal sealed class RequestPipeline(
    CoordinatorSettings settings, RouteTable routes, Authenticator authenticator, RateLimits limits, AdminAuditTrail trail,
    CoordinatorMetrics metrics, DatabaseClock clock, ILogger logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        var rawPath = RawPath(context);
        var match = routes.Match(context.Request.Method, rawPath);
        if (match is not null) context.TakeRoute(match.Value.Route.Template);
        var zoneId = match?.Ids.GetValueOrDefault("zoneId");

        var (body, refusal) = await ReadBodyAsync(context);
        Caller? caller = null;
        if (refusal is null)
        {
            (caller, refusal) = await authenticator.AuthenticateAsync(context.Request, match?.Route, zoneId);
        }

        refusal = await CheckRateAsync(context, caller) ?? refusal;
        if (refusal is not null)
        {
            await ReplyWriter.WriteAsync(context, refusal);
            if (caller is not null)
            {
                trail.RecordFailure(context, caller, zoneId, refusal.Status);
            }

            return;
        }

        await RouteAsync(context, caller!, match, rawPath, body);
    }

    /// <summary>Answers a public route unless its caller's address asks too often.</summary>
    public async Task HandlePublicAsync(HttpContext context, Func<HttpContext, Task> handler)
    {
        if (await CheckRateAsync(context, caller: null) is { } refusal)
        {
            await ReplyWriter.WriteAsync(context, refusal);
            return;
        }

        await handler(context);
    }

    private async Task RouteAsync(
        HttpContext context, Caller caller, (Route Route, Dictionary<string, string> Ids)? match, string rawPath, JsonElement body)
    {
        if (match is not var (route, ids))
        {
            await ReplyWriter.WriteUnknownRouteAsync(context, rawPath);
            trail.RecordFailure(context, caller, caller.ZoneId, StatusCodes.Status404NotFound);
            return;
        }

        var reply = RouteTable.AreWellFormed(ids)
            ? await AnswerAsync(new Call { Http = context, Caller = caller, Route = route, Ids = ids, Body = body })
            : CoordinatorErrors.InvalidParams;
        await ReplyWriter.WriteAsync(context, reply);
        if (ReferenceEquals(reply.Refusal, IdempotencyRefusals.KeyInvalid) || ReferenceEquals(reply.Refusal, IdempotencyRefusals.KeyMultiple))
        {
            metrics.IdempotencyInvalid.Add();
        }

        if (!reply.Succeeded && !route.Unaudited)
        {
            trail.RecordFailure(context, caller, ids.GetValueOrDefault("zoneId"), reply.Status);
        }
    }

    private async Task<Reply> AnswerAsync(Call call)
    {
        if (call.Route.Issues && !clock.IsUsable)
        {
            return CoordinatorErrors.ClockUnusable;
        }

        try
        {
            var reply = await call.Route.Handler(call);
            if (reply.Succeeded && call.Route.Mutates && !call.Route.Unaudited && !call.Audited)
            {
                throw new InvalidOperationException($"{call.Route.Template} changed something outside the audited path");
            }

            return reply;
        }
        catch (AuditUnavailableException fault)
        {
            CoordinatorLog.AuditFailed(logger, fault, call.RequestId);
            return CoordinatorErrors.AuditUnavailable;
        }
        catch (Exception fault) when (fault is not OperationCanceledException || !call.Aborted.IsCancellationRequested)
        {
            CoordinatorLog.Unhandled(logger, fault, call.RequestId);
            return CoordinatorErrors.InternalError;
        }
    }

    // GET has no body here; everything else may, DELETE and PATCH too.
    private async Task<(JsonElement Body, Refusal? Refusal)> ReadBodyAsync(HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        {
            return default;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        using var timer = clock.Process.CreateTimer(static state => ((CancellationTokenSource)state!).Cancel(), limit, settings.RequestTimeout, Timeout.InfiniteTimeSpan);
        try
        {
            return await RequestBody.ReadAsync(context.Request, settings.BodyLimit, limit.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return (default, CoordinatorErrors.RequestTimeout);
        }
    }

    private async ValueTask<Refusal?> CheckRateAsync(HttpContext context, Caller? caller)
    {
        var who = caller switch
        {
            null => ClientAddress.Of(context, settings).ToString(),
            { IsOperator: true } => $"{Caller.OperatorName}:{ClientAddress.Of(context, settings)}",
            _ => $"{caller.ZoneId}:{caller.ClientId}",
        };
        return await limits.HitAsync("global_rl", who, settings.RateLimit, onlyShared: false, context.RequestAborted) is { } wait
            ? CoordinatorErrors.RateLimited with { RetryAfterSeconds = wait }
            : null;
    }

    private static string RawPath(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? context.Request.Path.Value ?? "/";
        var query = target.IndexOf('?', StringComparison.Ordinal);
        var path = query < 0 ? target : target[..query];

        // Absolute-form targets are legal; only their path matters here.
        return path.StartsWith('/') ? path : context.Request.Path.Value ?? "/";
    }
}
