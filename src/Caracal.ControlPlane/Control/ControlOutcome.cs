using System.Text.Json.Nodes;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.Control;

/// <summary>What a command came to. The default refuses.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">The error code of control.md 2; null when all went well.</param>
/// <param name="Reason">Why, for people and for the evidence; empty when all went well.</param>
/// <param name="Result">What the command answers; null when it answers nothing.</param>
internal readonly record struct ControlOutcome(int Status, string? Code, string Reason, JsonNode? Result)
{
    public static readonly ControlOutcome Disabled = Refuse(503, "control_disabled", "the control gate is closed");
    public static readonly ControlOutcome RateLimited = Refuse(429, "rate_limited", "too many invokes");
    public static readonly ControlOutcome Unauthorized = Refuse(401, "unauthorized", "the control token is not valid");
    public static readonly ControlOutcome Replayed = Refuse(401, "token_replay", "a control token works once");
    public static readonly ControlOutcome Unavailable = Refuse(503, "unavailable", "the shared state cannot be reached");
    public static readonly ControlOutcome AuditUnavailable = Refuse(500, "audit_unavailable", "the evidence could not be written");
    public static readonly ControlOutcome UpstreamFault = Refuse(502, "upstream", "upstream error");

    public bool Succeeded => Code is null && Status == 200;

    public static ControlOutcome Done(JsonNode? result) => new(200, null, "", result);

    public static ControlOutcome Denied(string reason) => Refuse(403, "denied", reason);

    public static ControlOutcome Invalid(string reason) => Refuse(400, "invalid", reason);

    public static ControlOutcome Refuse(int status, string code, string reason) => new(status, code, reason, null);

    /// <summary>The mapping of control.md 2 for what the management API answered.</summary>
    public static ControlOutcome OfManagement(int status, string reason) => status switch
    {
        400 or 422 => Refuse(400, "invalid", reason),
        403 => Refuse(403, "denied", reason),
        404 => Refuse(404, "not_found", reason),
        409 => Refuse(409, "conflict", reason),
        _ => Refuse(502, "upstream", reason),
    };

    /// <summary>The body of control.md 2; success and failure are told apart by <c>ok</c>.</summary>
    public Answer ToAnswer()
    {
        var outcome = this;
        return Answer.Of(Status == 0 ? 502 : Status, JsonRows.Object(writer =>
        {
            writer.WriteBoolean("ok", outcome.Succeeded);
            if (outcome.Succeeded)
            {
                if (outcome.Result is null) return;
                writer.WritePropertyName("result");
                outcome.Result.WriteTo(writer);
                return;
            }

            writer.WriteStartObject("error");
            writer.WriteString("code", outcome.Code ?? "upstream");
            writer.WriteString("reason", outcome.Reason);
            if (outcome.Remediation is { } remediation) writer.WriteString("remediation", remediation);
            writer.WriteEndObject();
        }));
    }

    private string? Remediation => Code switch
    {
        "control_disabled" => "ask the operator to open the control gate",
        "token_replay" => "mint one token per invoke",
        "unauthorized" => "mint a token for the control audience with a control key",
        _ => null,
    };
}
