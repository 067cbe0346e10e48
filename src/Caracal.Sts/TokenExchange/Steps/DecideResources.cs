using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Authority.TokenExchange;
using Caracal.Sts.Policies;
using Caracal.Sts.PolicyShadows;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 16: each resource in order (sts.md 2.2). A skipped one is recorded and the next is tried.</summary>
internal sealed class DecideResources(ExchangeParts parts) : IExchangeStep
{
    private static readonly PolicyDecision ControlKey = PolicyDecision.Allow("control-key");
    private static readonly PolicyDecision OtherTarget = PolicyDecision.Deny("mandate_target_mismatch");

    public async ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken)
    {
        exchange.IsControlKey = ControlKeyRules.HasShape(exchange.Request, parts.Settings.ControlAudience)
            && ControlKeyRules.Grants(exchange.Application!, exchange.Request, exchange.Now);
        var resources = exchange.Request.Resources;
        for (var i = 0; i < resources.Count; i++)
        {
            var verdict = await DecideAsync(exchange, resources[i], cancellationToken);
            if (!verdict.GoesOn)
            {
                return verdict;
            }
        }

        return Verdict.Continue;
    }

    private async ValueTask<Verdict> DecideAsync(Exchange exchange, string name, CancellationToken cancellationToken)
    {
        if (exchange.Zone!.FindResource(name) is not { } resource)
        {
            return await SkipAsync(exchange, "resource_not_found", name, cancellationToken);
        }

        if (!Scopes.AreMintable(exchange.Scopes, resource))
        {
            return await SkipAsync(exchange, "scope_mismatch", resource.Identifier, cancellationToken);
        }

        if (exchange.Delegation?.Covers(resource) == false)
        {
            return await SkipAsync(exchange, "resource_outside_delegation", resource.Identifier, cancellationToken);
        }

        if (exchange.IsGateway && !OperationRules.Permits(
            resource, exchange.Request.RequestMethod, exchange.Request.RequestPath, exchange.Request.McpOperation, Scopes.Split(exchange.SubjectClaims?.Scope)))
        {
            await parts.Audit.DenyAsync(exchange, "operation_not_permitted", cancellationToken, resource.Identifier);
            return StsErrors.OperationNotPermitted;
        }

        if (!await parts.Limits.CountMintAsync(exchange.ZoneId, resource.Id, exchange.Application!.Id, cancellationToken))
        {
            exchange.WasRateLimited = true;
            return await SkipAsync(exchange, "rate_limited", resource.Identifier, cancellationToken);
        }

        if (resource.Identifier == parts.Settings.ControlAudience)
        {
            return await DecideControlAsync(exchange, resource, cancellationToken);
        }

        if (await ResolveConnection.RunAsync(parts, exchange, resource, cancellationToken) is var (status, reason))
        {
            return await SkipAsync(exchange, status, resource.Identifier, cancellationToken, reason);
        }

        return await EvaluateAsync(exchange, resource, cancellationToken);
    }

    private async ValueTask<Verdict> DecideControlAsync(Exchange exchange, ExchangeResource resource, CancellationToken cancellationToken)
    {
        if (!exchange.IsControlKey)
        {
            await parts.Audit.DenyAsync(exchange, "control_resource_requires_control_key", cancellationToken, resource.Identifier);
            return StsErrors.ControlKeyRequired;
        }

        await parts.Audit.DecisionAsync(exchange, resource, ControlKey, cancellationToken);
        exchange.Granted.Add(resource);
        return Verdict.Continue;
    }

    private async ValueTask<Verdict> EvaluateAsync(Exchange exchange, ExchangeResource resource, CancellationToken cancellationToken)
    {
        exchange.PolicyRequest ??= Describe(exchange);
        var evaluation = exchange.Zone!.Policy.Evaluate(exchange.PolicyRequest, resource, cancellationToken);
        if (parts.Shadows.Wants(exchange.ZoneId))
        {
            (exchange.Shadowed ??= []).Add(ShadowQuestion.Of(exchange.PolicyRequest, resource, evaluation, parts.Clock.Now));
        }

        if (evaluation.Decision is not { } decision)
        {
            await parts.Audit.PolicyFailedAsync(exchange, resource.Identifier, evaluation.Error, cancellationToken);
            return StsErrors.PolicyFailed;
        }

        if (decision.Allowed && LeavesTarget(exchange, resource))
        {
            decision = OtherTarget;
        }

        await parts.Audit.DecisionAsync(exchange, resource, decision, cancellationToken);
        if (decision.EvaluationStatus != "complete")
        {
            return StsErrors.PolicyIncomplete;
        }

        if (!decision.Allowed)
        {
            exchange.FirstDenyReason ??= decision.Reason;
            return Verdict.Continue;
        }

        if (!decision.StepUp.IsEmpty)
        {
            (exchange.StepUp ??= []).AddRange(decision.StepUp);
        }

        if (!exchange.Granted.Contains(resource))
        {
            exchange.Granted.Add(resource);
        }

        return Verdict.Continue;
    }

    // gateway.md A3, step 15. The decision contract says so itself; a zone's own decision policy need not, and a mint that
    // was approved for one resource must not open another.
    private static bool LeavesTarget(Exchange exchange, ExchangeResource resource) =>
        exchange.IsGateway && !Scopes.Contains(exchange.SubjectClaims!.Target, resource.Identifier);

    private async ValueTask<Verdict> SkipAsync(
        Exchange exchange, string status, string resource, CancellationToken cancellationToken, string? reason = null)
    {
        await parts.Audit.DenyAsync(exchange, status, cancellationToken, resource, reason);
        return Verdict.Continue;
    }

    private static PolicyRequest Describe(Exchange exchange) => new()
    {
        ZoneId = exchange.ZoneId,
        PrincipalId = exchange.Application!.Id,
        RegistrationMethod = exchange.Application.RegistrationMethod,
        Method = exchange.IsGateway ? exchange.Request.RequestMethod : null,
        Path = exchange.IsGateway ? exchange.Request.RequestPath : null,
        Scopes = exchange.Scopes,
        RecordId = exchange.Record?.Id,
        AgentSessionId = exchange.Session?.Id,
        Session = exchange.Session,
        Delegation = exchange.Delegation,
        SubjectClaims = exchange.SubjectClaims,
        ApprovalAccepted = exchange.Approval is not null,
        TraceId = exchange.RequestId,
    };
}
