using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>Alert rules and dashboard: Prometheus' own tool reads, fires and resolves every rule, and no metric is invented.</summary>
public sealed partial class MonitoringFilesTests
{
    private static readonly string Rules = Path.Combine(Yaml.Deploy, "prometheus", "caracal.rules.yml");
    private static readonly string RuleTests = Path.Combine(Yaml.Deploy, "prometheus", "caracal.rules.test.yml");
    private static readonly string LogRules = Path.Combine(Yaml.Deploy, "loki", "caracal.rules.yml");
    private static readonly string Dashboard = Path.Combine(Yaml.Deploy, "grafana", "caracal.json");

    // Known to the server that scrapes, or to services with PostgreSQL, Redis or a certificate only: their own tests read them.
    private static readonly string[] Elsewhere =
    [
        "up", "caracal_stream_lag_seconds", "caracal_dead_letters", "caracal_db_pool_in_use_ratio", "caracal_db_pool_acquired_conns",
        "caracal_db_errors_total", "caracal_http_requests_total", "caracal_redis_errors_total", "caracal_redis_connections_open", "caracal_tls_cert_expiry_seconds",
    ];

    [Fact]
    [Trait("requirement", "R109")]
    [Trait("requirement", "R113")]
    [Trait("requirement", "R151")]
    public async Task Every_rule_loads_fires_and_resolves()
    {
        await PromtoolAsync("check", "rules", Rules);
        await PromtoolAsync("test", "rules", RuleTests);
        var alerts = Alerts().Select(alert => alert.Text("alert")!).ToList();
        var tested = Yaml.One(await File.ReadAllTextAsync(RuleTests, TestContext.Current.CancellationToken)).List("tests")
            .SelectMany(test => test.List("alert_rule_test")).ToList();
        foreach (var alert in alerts)
        {
            Assert.Contains(tested, test => test.Text("alertname") == alert && test.List("exp_alerts").Count == 1);
            Assert.Contains(tested, test => test.Text("alertname") == alert && test.List("exp_alerts").Count == 0);
        }
    }

    [Fact]
    public void The_alert_over_log_lines_pages_security_at_once()
    {
        var alert = Assert.Single(LogAlerts());
        Assert.Equal(("CaracalAuditChainLog", "0m", "critical", "security"), (alert.Text("alert"), alert.Text("for"), alert.Text("labels", "severity"), alert.Text("labels", "page")));
    }

    [Theory]
    [Trait("requirement", "R109 (CaracalRevocationLag)")]
    [Trait("requirement", "R111 (CaracalAuditPostgresDown)")]
    [Trait("requirement", "R113 (CaracalRevocationDeadLetters)")]
    [Trait("requirement", "R129 (CaracalAuditTamperDetected)")]
    [Trait("requirement", "R150 (CaracalAuditTamperDetected)")]
    [Trait("requirement", "R151 (CaracalDenialSpikeJtiReplay)")]
    [InlineData("CaracalRevocationLag", "1m", "critical")]
    [InlineData("CaracalRevocationIneffective", "1m", "critical")]
    [InlineData("CaracalRevocationDeadLetters", "1m", "critical")]
    [InlineData("CaracalAuditDLQNonEmpty", "2m", "warning")]
    [InlineData("CaracalAuditPostgresDown", "1m", "critical")]
    [InlineData("CaracalAuditTamperDetected", "0m", "critical")]
    [InlineData("CaracalDenialSpikeSignature", "5m", "warning")]
    [InlineData("CaracalDenialSpikeJtiReplay", "5m", "warning")]
    [InlineData("CaracalDenialSpikeRevoked", "5m", "warning")]
    [InlineData("CaracalDenialSpikeStsExchange", "5m", "warning")]
    public void The_alerts_that_were_asked_for_are_there(string name, string wait, string severity)
    {
        var alert = Assert.Single(Alerts(), alert => alert.Text("alert") == name);
        Assert.Equal((wait, severity), (alert.Text("for"), alert.Text("labels", "severity")));
        if (name == "CaracalAuditTamperDetected") Assert.Equal("security", alert.Text("labels", "page"));
    }

    [Fact]
    [Trait("requirement", "R129")]
    public void Every_alert_leads_to_a_paragraph_of_the_playbooks()
    {
        var page = File.ReadAllText(Path.Combine(Yaml.Deploy, "..", "docs", "operations", "incidents.md"));
        var anchors = Heading().Matches(page).Select(match => match.Groups["name"].Value.Trim().ToLowerInvariant().Replace(' ', '-')).ToList();
        Assert.All(Alerts().Concat(LogAlerts()), alert =>
        {
            var link = alert.Text("annotations", "runbook_url")!.Split('#');
            Assert.Equal("docs/operations/incidents.md", link[0]);
            Assert.Contains(link[1], anchors);
        });
    }

    [Fact]
    public async Task No_metric_is_invented()
    {
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        await using var stack = await CaracalStack.StartAsync(
            new StackOptions { Variables = files.Variables, DataDirectory = files.Data, Log = TextWriter.Null }, TestContext.Current.CancellationToken);
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new("Bearer", files.MetricsToken);
        var there = new HashSet<string>(Elsewhere, StringComparer.Ordinal);
        foreach (var url in files.Urls.Values)
        {
            var text = await http.GetStringAsync(new Uri(url + "/metrics"), TestContext.Current.CancellationToken);
            there.UnionWith(Typed().Matches(text).Select(match => match.Groups["name"].Value));
        }

        var used = Metric().Matches(string.Join('\n', Alerts().Select(alert => alert.Text("expr"))) + '\n' + string.Join('\n', Expressions()))
            .Select(match => match.Value).Distinct(StringComparer.Ordinal).ToList();
        Assert.True(used.Count > 40);
        Assert.Equal([], used.Except(there, StringComparer.Ordinal));
        await stack.StopAsync();
    }

    [Fact]
    public void The_dashboard_is_one_that_Grafana_imports()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Dashboard));
        var root = dashboard.RootElement;
        Assert.True(root.GetProperty("schemaVersion").GetInt32() >= 39);
        var panels = root.GetProperty("panels").EnumerateArray().ToList();
        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.All(panels, panel =>
        {
            Assert.False(string.IsNullOrEmpty(panel.GetProperty("title").GetString()));
            Assert.Equal("${datasource}", panel.GetProperty("datasource").GetProperty("uid").GetString());
            Assert.NotEmpty(panel.GetProperty("targets").EnumerateArray());
            Assert.True(panel.GetProperty("gridPos").GetProperty("x").GetInt32() + panel.GetProperty("gridPos").GetProperty("w").GetInt32() <= 24);
        });
        Assert.Equal("datasource", root.GetProperty("templating").GetProperty("list")[0].GetProperty("name").GetString());
    }

    [Theory]
    [InlineData("Ages of keys", "caracal_key_age_seconds")]
    [InlineData("Open rotations", "caracal_rotation_open_seconds")]
    [InlineData("Requests that failed", "rate(caracal_http_requests_total{status=~\"5..\"}[5m])")]
    [InlineData("Failures of PostgreSQL", "rate(caracal_db_errors_total[5m])")]
    [InlineData("Redis", "sum(caracal_redis_connections_open)")]
    public void The_dashboard_shows(string title, string expression)
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Dashboard));
        var panel = Assert.Single(dashboard.RootElement.GetProperty("panels").EnumerateArray(), panel => panel.GetProperty("title").GetString() == title);
        Assert.Contains(panel.GetProperty("targets").EnumerateArray(), target => target.GetProperty("expr").GetString()!.Contains(expression, StringComparison.Ordinal));
    }

    [Fact]
    public void Steps_of_rotations_are_marked_where_they_are_logged()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Dashboard));
        var mark = Assert.Single(dashboard.RootElement.GetProperty("annotations").GetProperty("list").EnumerateArray());
        Assert.Equal("${logs}", mark.GetProperty("datasource").GetProperty("uid").GetString());
        Assert.Contains("event = \"key_rotation\"", mark.GetProperty("target").GetProperty("expr").GetString(), StringComparison.Ordinal);
        Assert.Contains(dashboard.RootElement.GetProperty("templating").GetProperty("list").EnumerateArray(), variable => variable.GetProperty("name").GetString() == "logs" && variable.GetProperty("query").GetString() == "loki");
    }

    private static IEnumerable<object?> Alerts() => AlertsOf(Rules);

    private static IEnumerable<object?> LogAlerts() => AlertsOf(LogRules);

    private static IEnumerable<object?> AlertsOf(string file) => Yaml.One(File.ReadAllText(file)).List("groups").SelectMany(group => group.List("rules"));

    private static List<string> Expressions()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Dashboard));
        return [.. dashboard.RootElement.GetProperty("panels").EnumerateArray().SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.GetProperty("expr").GetString()!)];
    }

    private static async Task PromtoolAsync(params string[] words)
    {
        using var process = new Process();
        process.StartInfo = new ProcessStartInfo("promtool", words) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Fail("promtool is missing: apt-get install prometheus (./test does)");
        }

        var said = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, said);
    }

    [GeneratedRegex(@"\b(?:caracal_[a-z_]+|up)\b")]
    private static partial Regex Metric();

    [GeneratedRegex(@"^# TYPE (?<name>\S+) ", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Typed();

    [GeneratedRegex(@"^#+ (?<name>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Heading();
}
