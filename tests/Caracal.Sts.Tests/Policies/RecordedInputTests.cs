using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.Rego;

namespace Caracal.Sts.Tests.Policies;

public sealed class RecordedInputTests
{
    // What a replay stands on: the same policy gives the recorded answer to the question that the ledger kept.
    [Fact]
    public async Task Asks_every_recorded_question_again_and_gets_the_recorded_answer()
    {
        await using var sts = await StsHarness.StartAsync();
        var token = await sts.MintAsync();
        await sts.ExchangeAsync(token);
        await sts.PostAsync(StsHarness.Bootstrap());
        await sts.PostAsync(StsHarness.Mint(("resource", "resource://keyed"), ("scope", "keyed:use")));
        var other = await sts.MintAsync();
        await sts.SqlAsync("UPDATE sessions SET labels = '[\"other\"]'");
        await sts.PostAsync(StsHarness.Mint());
        await sts.ExchangeAsync(other);
        var compiled = PolicyCompiler.Compile([("data", StsHarness.Documents())], customAllowed: true);
        var decided = (await sts.EventsAsync())
            .Where(e => e.GetProperty("event_type").GetString() == "token_exchange" && e.GetProperty("evaluation_status").GetString() == "complete").ToList();
        Assert.Contains(decided, e => e.GetProperty("decision").GetString() == "allow" && e.GetProperty("policy_input").TryGetProperty("presented", out _));
        Assert.Contains(decided, e => e.GetProperty("decision").GetString() == "deny");
        foreach (var recorded in decided)
        {
            var input = RecordedInput.Of(StsHarness.Zone, recorded.GetProperty("metadata_json"), recorded.GetProperty("policy_input"), null);
            var decision = PolicyEvaluation.Of(compiled.Result!, compiled.Restrict, input, new Explanation(), CancellationToken.None).Decision;
            Assert.Equal(recorded.GetProperty("decision").GetString() == "allow", decision!.Allowed);
            Assert.DoesNotContain(token, JsonSerializer.Serialize(recorded), StringComparison.Ordinal);
        }
    }
}
