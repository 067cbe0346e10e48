using System.Text.Json;
using System.Text.RegularExpressions;

namespace Caracal.Audit.Tests;

/// <summary>The alert over log lines (operations.md 6.5), held against the lines that a sweep writes.</summary>
public sealed partial class ChainLogRuleTests
{
    [Theory]
    [InlineData("UPDATE audit_events SET prev_content_sha256 = 'aa' WHERE chain_seq = 2", true)]
    [InlineData("UPDATE audit_events SET chain_hmac = 'aa' WHERE chain_seq = 2", true)]
    [InlineData("DELETE FROM audit_events WHERE chain_seq = 2", true)]
    [InlineData("UPDATE audit_events SET ingested_at = ingested_at", false)]
    public async Task Fires_when_a_row_is_gone_or_forged_and_not_when_a_sweep_finds_nothing(string sql, bool fires)
    {
        var words = new Regex($"^(?:{Words().Match(await File.ReadAllTextAsync(RulesFile(), TestContext.Current.CancellationToken)).Groups["words"].Value})$");
        await using var audit = await AuditHarness.CreateAsync();
        await audit.ShipAsync(Vectors.Event("e1"), Vectors.Event("e2"), Vectors.Event("e3"));
        await audit.TamperAsync(sql);

        await audit.ListenAsync(); // sweeps at start
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!Events(audit).Contains("tamper_sweep_complete")) await Task.Delay(20, limit.Token);

        Assert.Equal(fires, Events(audit).Any(words.IsMatch));
    }

    private static List<string> Events(AuditHarness audit) =>
    [
        .. audit.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.EndsWith('}'))
            .Select(line => JsonDocument.Parse(line).RootElement.TryGetProperty("event", out var name) ? name.GetString()! : ""),
    ];

    private static string RulesFile()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Caracal.slnx"))) folder = folder.Parent!;
        return Path.Combine(folder.FullName, "deploy", "loki", "caracal.rules.yml");
    }

    [GeneratedRegex(@"event =~ ""(?<words>[^""]+)""", RegexOptions.ExplicitCapture)]
    private static partial Regex Words();
}
