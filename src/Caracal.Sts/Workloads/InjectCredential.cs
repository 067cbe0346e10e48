using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Authority.TokenExchange;
using Caracal.Authority.Workloads;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Storage.TokenExchange;
using Caracal.Sts.PolicyShadows;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Workloads;

/// <summary><c>POST /v1/run/credential</c> (sts.md 9.5), in the specification's order. Authority comes only from the stored binding.</summary>
internal sealed class InjectCredential(
    ExchangeParts parts, WorkloadAuthentication authentication, WorkloadApprovals approvals, WorkloadCredentials credentials, LaunchAudit audit)
{
    public Task HandleAsync(HttpContext context) => RunEndpoint.AnswerAsync(context, parts.Metrics, AnswerAsync);

    private async Task<Refusal?> AnswerAsync(HttpContext context, FormFields form, CancellationToken cancellationToken)
    {
        var env = form.Find("env")?.Trim();
        if (string.IsNullOrEmpty(env))
        {
            return StsErrors.EnvMissing;
        }

        var (launch, refusal) = await authentication.RunAsync(context, form, cancellationToken);
        if (launch is null)
        {
            return refusal;
        }

        if (!await parts.Limits.CountRunAsync($"rl:run-credential:{launch.Workload.Id}:mint", cancellationToken))
        {
            return StsErrors.RateLimited;
        }

        if (!parts.Clock.IsUsable)
        {
            return StsErrors.ClockUnusable;
        }

        if (await ResolveAsync(launch, env, cancellationToken) is { } unresolved)
        {
            return unresolved;
        }

        return await GrantAsync(context, launch, form.Find("approval_id")?.Trim(), cancellationToken);
    }

    private async Task<Refusal?> GrantAsync(HttpContext context, Launch launch, string? approvalId, CancellationToken cancellationToken)
    {
        if (await approvals.PresentAsync(context, launch, approvalId, cancellationToken) is { } badApproval)
        {
            return badApproval.Answered ? null : badApproval.Refusal;
        }

        var (decision, denied) = await DecideAsync(context, launch, cancellationToken);
        if (decision is null)
        {
            return denied;
        }

        if (await approvals.HasPolicyChangedAsync(launch, cancellationToken))
        {
            return StsErrors.PolicyChanged;
        }

        if (await approvals.HoldAsync(context, launch, decision, cancellationToken) is { } held)
        {
            return held.Answered ? null : held.Refusal;
        }

        var (credential, failed) = await credentials.IssueAsync(launch, cancellationToken);
        if (credential is null)
        {
            return failed;
        }

        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("env"u8, launch.Binding!.Env);
            writer.WriteString("credential"u8, credential.Token);
            if (credential.ExpiresAt is { } expiry)
            {
                writer.WriteNumber("expires_at"u8, expiry.ToUnixTimeSeconds());
            }

            writer.WriteEndObject();
        });
        return null;
    }

    private async Task<Refusal?> ResolveAsync(Launch launch, string env, CancellationToken cancellationToken)
    {
        var bindings = WorkloadBinding.TryReadAll(launch.Workload.Bindings);
        launch.Binding = bindings?.FirstOrDefault(binding => binding.Env == env);
        launch.Zone = await parts.Zones.GetFreshAsync(launch.ZoneId, cancellationToken);
        if (launch.Binding is null || launch.Zone is null)
        {
            return StsErrors.BindingUnknown;
        }

        if (launch.Zone.FindResource(launch.Binding.Resource) is not { } resource)
        {
            await audit.DenyAsync(launch, "resource_not_found", cancellationToken);
            return StsErrors.ResourceUnknown;
        }

        launch.Resource = resource;
        var provider = resource.ProviderId is { Length: > 0 } id ? launch.Zone.FindProvider(id) : null;
        if (Problem(launch, resource, provider) is { } problem)
        {
            await audit.DenyAsync(launch, "credential_injection_denied", cancellationToken, problem);
            return StsErrors.InjectionDenied.With(problem);
        }

        if (!Scopes.AreMintable(launch.Binding.Scopes, resource))
        {
            await audit.DenyAsync(launch, "scope_mismatch", cancellationToken);
            return StsErrors.PolicyDenied;
        }

        return null;
    }

    private string? Problem(Launch launch, ExchangeResource resource, ProviderRow? provider)
    {
        if (resource.Identifier == parts.Settings.ControlAudience)
        {
            return "the control resource is reached with a control key only";
        }

        return string.IsNullOrEmpty(resource.ProviderId) ? "the resource has no provider"
            : provider is null ? "the provider does not exist"
            : InjectionRules.Problem(provider.Kind, provider.ConfigJson);
    }

    private async Task<(PolicyDecision? Allowed, Refusal? Refusal)> DecideAsync(HttpContext context, Launch launch, CancellationToken cancellationToken)
    {
        var request = new PolicyRequest
        {
            ZoneId = launch.ZoneId,
            PrincipalType = "Workload",
            PrincipalId = launch.Workload.Id,
            ActionId = "CredentialInjection",
            Scopes = launch.Binding!.Scopes,
            ApprovalAccepted = launch.Approval is not null,
            TraceId = launch.RequestId,
        };
        var evaluation = launch.Zone!.Policy.Evaluate(request, launch.Resource!, cancellationToken);
        if (parts.Shadows.Wants(launch.ZoneId))
        {
            var question = ShadowQuestion.Of(request, launch.Resource!, evaluation, parts.Clock.Now);
            context.Response.OnCompleted(() =>
            {
                parts.Shadows.Ask([question]);
                return Task.CompletedTask;
            });
        }

        if (evaluation.Decision is not { } decision)
        {
            await audit.PolicyFailedAsync(launch, evaluation.Error, cancellationToken);
            return (null, StsErrors.PolicyFailed);
        }

        await audit.DecisionAsync(launch, decision, cancellationToken);
        if (decision.EvaluationStatus != "complete")
        {
            return (null, StsErrors.PolicyIncomplete);
        }

        return decision.Allowed
            ? (decision, null)
            : (null, decision.Reason is { } reason ? StsErrors.PolicyDenied.With($"policy denied ({reason})") : StsErrors.PolicyDenied);
    }
}
