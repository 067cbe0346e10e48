namespace Caracal.Sts.Tests.Health;

/// <summary>sts.md 14: every series by its name, in both forms.</summary>
public sealed class MetricsTests
{
    private static readonly string[] Counters =
    [
        "graph_traversals", "graph_traversal_errors", "audit_dropped", "audit_replay_replayed", "audit_sink_errors", "jwks_invalid_keys",
        "secret_backend_reads", "secret_backend_errors", "provider_refresh_shared", "provider_refresh_leased", "provider_refresh_waited",
        "provider_refresh_errors", "provider_circuit_open",
    ];

    private static readonly string[] Gauges =
        ["audit_replay_pending", "audit_replay_files", "audit_replay_bytes", "audit_replay_oldest_age_seconds"];

    private static readonly string[] PolicyCounters =
        ["eval_total", "eval_errors_total", "eval_duration_seconds_total", "compile_total", "compile_errors_total", "compile_duration_seconds_total"];

    [Fact]
    public async Task Every_series_is_there_under_its_name_and_type()
    {
        await using var sts = await StsHarness.StartAsync();
        var text = await sts.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative));
        foreach (var name in Counters.Select(name => $"{name}_total").Concat(PolicyCounters.Select(name => $"opa_{name}")))
        {
            Assert.Contains($"# TYPE caracal_sts_{name} counter\ncaracal_sts_{name} ", text, StringComparison.Ordinal);
        }

        foreach (var name in Gauges.Concat(["opa_max_policy_age_seconds", "opa_poll_interval_seconds"]))
        {
            Assert.Contains($"# TYPE caracal_sts_{name} gauge\ncaracal_sts_{name} ", text, StringComparison.Ordinal);
        }

        var json = (await sts.GetAsync("/metrics.json")).Body;
        Assert.All(Counters.Concat(Gauges), name => Assert.True(json.GetProperty("sts").TryGetProperty(name, out _), name));
        Assert.Equal(
            new HashSet<string>
            {
                "eval_total", "eval_errors", "eval_duration_ns", "compile_total", "compile_errors", "compile_duration_ns",
                "max_policy_age_seconds", "poll_interval_seconds", "decision_contract_version", "decision_contract_sha256",
            },
            json.GetProperty("opa").EnumerateObject().Select(member => member.Name).ToHashSet());
        Assert.Equal(0, json.GetProperty("audit_dropped").GetInt64());
    }
}
