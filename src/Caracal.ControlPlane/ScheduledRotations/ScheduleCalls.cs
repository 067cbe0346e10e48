using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.Http;
using Caracal.Keys.Rotation;
using Caracal.Protocol;
using Caracal.Storage;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>An answer the schedule was given.</summary>
internal sealed record ScheduleAnswer(bool Succeeded, JsonElement Body, IReadOnlyList<Gate> Failing, string Reason)
{
    public static ScheduleAnswer Of(Answer answer)
    {
        if (answer.Refusal is { } refusal) return new ScheduleAnswer(false, default, [], $"{refusal.Code}: {refusal.Description}".TrimEnd(' ', ':'));
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) answer.Json!(writer);
        using var document = JsonDocument.Parse(buffer.ToArray());
        var body = document.RootElement.Clone();
        return answer.Succeeded
            ? new ScheduleAnswer(true, body, [], "")
            : new ScheduleAnswer(false, body, [.. body.GetProperty("gates").EnumerateArray().Select(GateOf).Where(gate => !gate.Ok)], body.GetProperty("error_description").GetString()!);
    }

    private static Gate GateOf(JsonElement gate) => new(
        gate.GetProperty("id").GetString()!, gate.GetProperty("ok").GetBoolean(), gate.GetProperty("detail").GetString()!,
        gate.GetProperty("retry_after_seconds") is { ValueKind: JsonValueKind.Number } seconds ? seconds.GetInt32() : null);
}

/// <summary>Calls the API makes of itself: the same handlers, gates, locks and records as for an operator, without a door or a token.</summary>
internal sealed class ScheduleCalls(DatabaseClock clock)
{
    /// <summary>What evidence names as the actor; nobody else may call himself so.</summary>
    public const string Actor = "caracal:schedule";

    /// <summary>Stands where a token's id would; no token has it.</summary>
    public const string TokenId = "caracal-schedule";

    private static readonly AdminCaller Caller = new()
    {
        TokenId = TokenId,
        Name = "rotation schedule",
        Capability = AdminCapability.Write,
        ZoneId = null,
        CreatedBy = TokenId,
    };

    public ApiCall Post(string path, JsonObject body, CancellationToken cancellationToken, params (string Name, string Value)[] parameters)
    {
        var context = new DefaultHttpContext { RequestAborted = cancellationToken };
        context.Request.Method = "POST";
        context.Request.Path = path;
        using var document = JsonDocument.Parse(body.ToJsonString());
        return new ApiCall(context, Ids.New(), path, clock.Now)
        {
            Caller = Caller,
            Body = document.RootElement.Clone(),
            Parameters = parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Value, StringComparer.Ordinal),
        };
    }
}
