using System.Text.RegularExpressions;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.Control;

/// <summary><c>POST /v1/control/invoke</c>: the checks of control.md 2 in their order; every decision leaves its evidence.</summary>
internal sealed partial class InvokeControl(
    ControlSettings settings, ClientAddress addresses, ControlLimits limits, ControlToken tokens, ControlCatalog catalog, ManagementCalls management,
    CoordinatorCalls coordinator, ControlEvidence evidence, DatabaseClock clock, ILogger log)
{
    private const string ScopeHeader = "x-caracal-zone-scope";

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var invocation = ControlInvocation.Of(call.Body);
        var (outcome, known) = await DecideAsync(call, invocation);
        if (!await evidence.DecideAsync(call, known, outcome) && outcome.Succeeded) outcome = ControlOutcome.AuditUnavailable;
        if (outcome.Status == 503) call.Context.Response.Headers.RetryAfter = "1";
        var answer = outcome.ToAnswer();
        return known.Subject is { } subject ? answer.InZone(subject.ZoneId) : answer;
    }

    private async Task<(ControlOutcome Outcome, ControlInvocation Known)> DecideAsync(ApiCall call, ControlInvocation invocation)
    {
        if (settings.GateFile is not { } gate || !File.Exists(gate)) return (ControlOutcome.Disabled, invocation);
        if (await limits.CheckAddressAsync(addresses.Of(call.Context), call.Cancelled) is { } crowded) return (crowded, invocation);
        if (await tokens.VerifyAsync(AdminAuthentication.BearerOf(call.Context), call.Cancelled) is not { } subject) return (ControlOutcome.Unauthorized, invocation);
        invocation = invocation with { Subject = subject };
        if (await limits.SpendAsync(subject, clock.Now, call.Cancelled) is { } spent) return (spent, invocation);
        if (ZoneScopeRefusal(call, subject) is { } elsewhere) return (ControlOutcome.Denied(elsewhere), invocation);
        if (catalog.Find(invocation.Command, invocation.Subcommand) is not { } command) return (ControlOutcome.Denied(catalog.UnknownReason(invocation)), invocation);
        var flags = new ControlFlags(invocation.Flags);
        if (flags.Problem is { } outOfBounds) return (ControlOutcome.Invalid(outOfBounds), invocation);
        if (command.Scope is { } scope && !subject.Scopes.Contains(scope)) return (ControlOutcome.Denied($"missing scope {scope}"), invocation);
        return (await ExecuteAsync(call, invocation, command, flags), invocation);
    }

    private async Task<ControlOutcome> ExecuteAsync(ApiCall call, ControlInvocation invocation, ControlCommand command, ControlFlags flags)
    {
        if (await management.FindCallerAsync(call.Cancelled) is not { } caller) return ControlOutcome.Refuse(502, "upstream", "CONTROL_API_TOKEN is not a live global write token");
        var mayWrite = command.Writes || command.Noun is "state" or "ensure";
        if (mayWrite && !await evidence.IntendAsync(call, invocation)) return ControlOutcome.AuditUnavailable;
        try
        {
            return await command.RunAsync(new ControlCall(call, invocation.Subject!, caller, flags, management, coordinator));
        }
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            ControlLog.CommandFailed(log, fault, call.RequestId);
            return ControlOutcome.UpstreamFault;
        }
    }

    // No operator identity exists here, so no subject may leave its zone (control.md 4); nothing is silently narrowed.
    private static string? ZoneScopeRefusal(ApiCall call, ControlSubject subject)
    {
        if (!call.Context.Request.Headers.TryGetValue(ScopeHeader, out var values)) return null;
        if (values.Count != 1 || values[0] is not { } zone || !ZoneForm().IsMatch(zone)) return "zone scope: the header is not valid";
        return zone == subject.ZoneId ? null : "zone scope: this subject may not leave its zone";
    }

    [GeneratedRegex(@"^[A-Za-z0-9-]{1,64}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ZoneForm();
}
