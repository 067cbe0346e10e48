using System.Globalization;
using Caracal.Cli.Hardening;
using Caracal.Stack;

namespace Caracal.Cli.Doctor;

/// <summary>What the metrics of a service say about its health (operations.md 5.1, readiness).</summary>
internal static class ServiceFigures
{
    private const double MuchLag = 1000;
    private const double MuchPending = 500;

    public static IReadOnlyList<DoctorCheck> All { get; } =
    [
        new("readiness", "sts policies", "The log of sts has the policy and the error: policy_compile_failed.", (deployment, stop) => JudgeAsync(
            deployment, StackRoles.Sts,
            [
                new("caracal_sts_opa_compile_errors_total", 0, Outcome.Fail, "policies did not compile"),
                new("caracal_sts_opa_eval_errors_total", 0, Outcome.Warn, "evaluations failed"),
            ],
            stop)),
        new("readiness", "audit intake", "Look at the dead letters; a wrong key shows in D-KEY-2.", (deployment, stop) => JudgeAsync(
            deployment, StackRoles.Audit,
            [
                new("caracal_audit_hmac_failures_total", 0, Outcome.Warn, "events with a wrong signature"),
                new("caracal_audit_dlq_size", 0, Outcome.Warn, "dead letters"),
                new("caracal_audit_consumer_lag", MuchLag, Outcome.Warn, "events wait"),
            ],
            stop)),
        new("readiness", "coordinator outbox", "See why its rows are not published, then requeue them.", (deployment, stop) => JudgeAsync(
            deployment, StackRoles.Coordinator,
            [
                new("caracal_outbox_total{status=\"dead\"}", 0, Outcome.Warn, "dead rows"),
                new("caracal_outbox_total{status=\"pending\"}", MuchPending, Outcome.Warn, "rows wait"),
            ],
            stop)),
        new("readiness", "gateway figures", "See the log of gateway.", GatewayAsync),
    ];

    private static async Task<Finding> JudgeAsync(Deployment deployment, string service, Limit[] limits, CancellationToken stop)
    {
        var verdict = new Verdict();
        if (await MetricsPage.ReadAsync(deployment, service, verdict, stop) is not { } series) return verdict.Finding();
        foreach (var limit in limits)
        {
            var found = series.TryGetValue(limit.Series, out var value);
            var text = string.Create(CultureInfo.InvariantCulture, $"{value:F0} {limit.What}");
            if (!found) verdict.Unseen($"{service} does not tell {limit.Series}");
            else if (value <= limit.Most) verdict.Ok(text);
            else if (limit.Beyond == Outcome.Fail) verdict.Fail(text);
            else verdict.Warn(text);
        }

        return verdict.Finding();
    }

    // Shown, not judged: denials are what a Gateway is for. It has no bindings to show: the STS resolves each call (gateway.md, part A).
    private static async Task<Finding> GatewayAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        if (await MetricsPage.ReadAsync(deployment, StackRoles.Gateway, verdict, stop) is not { } series) return verdict.Finding();
        foreach (var (name, what) in ((string, string)[])[("caracal_gateway_requests_denied_total", "denials"), ("caracal_gateway_revocations_active", "revocations")])
        {
            if (series.TryGetValue(name, out var value)) verdict.Ok(string.Create(CultureInfo.InvariantCulture, $"{value:F0} {what}"));
            else verdict.Unseen($"gateway does not tell {name}");
        }

        return verdict.Finding();
    }

    /// <summary>A series, the most it may be, and what it means to be beyond.</summary>
    private sealed record Limit(string Series, double Most, Outcome Beyond, string What);
}
