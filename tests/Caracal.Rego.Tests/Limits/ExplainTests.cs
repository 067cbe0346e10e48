using Caracal.Rego;

namespace Caracal.Rego.Tests.Limits;

public class ExplainTests
{
    [Fact]
    public void Tells_which_rules_held_and_where_others_failed()
    {
        var policy = Policy.Compile(
            """
            package t
            allow if {
              input.user == "a"
              admin
            }
            admin if {
              input.role == "admin"
              input.level > 3
            }
            """);
        var result = policy.Ask("data.t.allow", "{\"user\":\"a\",\"role\":\"admin\",\"level\":1}", new EvalOptions { Explain = true });
        Assert.False(result.IsDefined);
        Assert.Equal(
            ["data.t.admin held=False at m0.rego:8", "data.t.allow held=False at m0.rego:4"],
            result.Rules.Select(r => $"{r.Rule} held={r.Held} at {r.FailedFile}:{r.FailedLine}"));
        var held = policy.Ask("data.t.allow", "{\"user\":\"a\",\"role\":\"admin\",\"level\":5}", new EvalOptions { Explain = true });
        Assert.All(held.Rules, r => Assert.True(r.Held));
    }

    [Fact]
    public void Costs_nothing_when_not_asked_for() => Assert.Empty(Policy.Compile("package t\np := 1").Ask("data.t.p").Rules);
}
