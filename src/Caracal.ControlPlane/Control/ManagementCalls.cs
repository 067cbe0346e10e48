using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Hosting.Logging;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;

namespace Caracal.ControlPlane.Control;

/// <summary>What a management route answered a command.</summary>
/// <param name="Status">Its HTTP status.</param>
/// <param name="Body">Its JSON; null when it had none.</param>
internal readonly record struct ManagementReply(int Status, JsonNode? Body)
{
    public bool Succeeded => Status is >= 200 and < 300;

    public ControlOutcome ToOutcome() => Succeeded ? ControlOutcome.Done(Body?.DeepClone()) : ControlOutcome.OfManagement(Status, Reason);

    private string Reason
    {
        get
        {
            var code = Text("error") ?? Status.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return Text("error_description") is { Length: > 0 } description ? $"{code}: {description}" : code;
        }
    }

    private string? Text(string name) => Body is JsonObject body && body[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
}

/// <summary>
/// The management routes, called in the process: the same handlers, the same zone checks and the same admin audit as over
/// HTTP, as the token <c>CONTROL_API_TOKEN</c> bound to one zone, so that the database itself confines the command.
/// </summary>
internal sealed class ManagementCalls(
    Router router, ControlSettings settings, AdminAuthentication authentication, ZoneAccess access, Changes changes, Storage.DatabaseClock clock, ILogger log)
{
    /// <summary>The caller the commands run as; null when the token is no live global write token.</summary>
    public async Task<AdminCaller?> FindCallerAsync(CancellationToken cancellationToken) =>
        await authentication.FindCallerAsync(settings.ApiToken.Reveal(), cancellationToken) is { IsGlobal: true, Capability: AdminCapability.Write } caller ? caller : null;

    public async Task<ManagementReply> SendAsync(
        ApiCall invoke, AdminCaller caller, string zoneId, string method, string[] path, IEnumerable<KeyValuePair<string, string?>>? query, JsonNode? body)
    {
        var context = new DefaultHttpContext { RequestAborted = invoke.Cancelled };
        context.Request.Method = method;
        context.Request.Query = new QueryCollection((query ?? []).Where(pair => pair.Value is not null)
            .ToDictionary(pair => pair.Key, pair => new StringValues(pair.Value), StringComparer.Ordinal));
        if (router.Find(method, path) is not { } match) throw new InvalidOperationException($"no route {method} {string.Join('/', path)}");
        var call = new ApiCall(context, invoke.RequestId, string.Join('/', path), clock.Now) { Parameters = match.Parameters, Caller = caller };
        using var document = body is null ? null : JsonDocument.Parse(body.ToJsonString());
        call.Body = document?.RootElement;

        var answer = await AnswerSafelyAsync(call, match, zoneId);
        var mutates = match.Route.Need != AdminNeed.Look;
        if (answer.Succeeded && mutates && !await changes.RecordAsync(call, answer)) answer = ControlPlaneErrors.AuditUnavailable;
        if (!answer.Succeeded) await changes.RecordAsync(call, answer);
        return new ManagementReply(answer.Status, BodyOf(answer));
    }

    private async Task<Answer> AnswerSafelyAsync(ApiCall call, RouteMatch match, string zoneId)
    {
        try
        {
            if (!match.ParametersValid) return ControlPlaneErrors.InvalidParams;
            var (refusal, _) = await access.CheckAsync(call.Caller, call.Context, call.Path, zoneId, match.Route.Need);
            if (refusal is not null) return refusal;
            using var limit = changes.Database.RestrictTo(zoneId);
            return await match.Route.Handler(call);
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            ServiceLog.UnhandledFault(log, fault, ControlPlaneSettings.Role, call.RequestId);
            return ControlPlaneErrors.InternalError;
        }
    }

    private static JsonNode? BodyOf(Answer answer)
    {
        if (answer.Refusal is { } refusal) return new JsonObject { ["error"] = refusal.Code, ["error_description"] = refusal.Description };
        if (answer.Json is null) return null;
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) answer.Json(writer);
        return JsonNode.Parse(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }
}
