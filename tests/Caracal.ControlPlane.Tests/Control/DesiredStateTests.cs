using System.Text.Json;
using Caracal.TestKit;
using static Caracal.ControlPlane.Tests.Control.ControlDesk;

namespace Caracal.ControlPlane.Tests.Control;

/// <summary><c>state</c> and <c>ensure</c> (control.md 6, black-box checks 8 to 10).</summary>
public sealed class DesiredStateTests
{
    private const string Rego = "# caracal:data-document\npackage caracal.authz\nimport rego.v1\ngrants := {}\n";

    private static string Document(string provider) => $$$$"""
        {"objects":[
          {"kind":"application","spec":{"name":"agent","traits":["team:x","env:prod"]}},
          {"kind":"identity-provider","spec":{"identifier":"provider://key","name":"Key","kind":"api_key","config":{"header_name":"X-Key","api_key":"s3cret"}}},
          {"kind":"resource","spec":{"identifier":"resource://pipernet","name":"PiperNet","upstream_url":"https://up.example/api","scopes":["b","a"],"credential_provider_id":"{{{{provider}}}}","operations":[{"method":"get","path":"/r","scope":"a"}]}},
          {"kind":"policy","spec":{"name":"read","content":{{{{JsonSerializer.Serialize(Rego)}}}}}},
          {"kind":"policy-set","spec":{"name":"main"}}
        ]}
        """;

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Plans_without_writing_applies_once_and_then_finds_nothing_to_do(Engine engine)
    {
        await using var desk = await OpenAsync(engine: engine);
        var provider = await desk.Api.ProviderAsync(desk.Zone);
        var document = Document(provider);
        var plan = await desk.ResultAsync("state", "plan", new { document });
        Assert.Equal(["create", "create", "create", "create", "create"], Actions(plan));
        Assert.All(Outcomes(plan), outcome => Assert.False(outcome.GetProperty("applied").GetBoolean()));
        Assert.True(plan.GetProperty("drift").GetBoolean() && plan.GetProperty("dryRun").GetBoolean() && plan.GetProperty("ok").GetBoolean());
        Assert.Equal(plan.GetRawText(), (await desk.ResultAsync("state", "plan", new { document })).GetRawText());
        Assert.Equal(0, (await desk.ResultAsync("policy", "list")).GetArrayLength());

        var applied = await desk.ResultAsync("state", "apply", new { document });
        Assert.Equal("""{"created":5,"updated":0,"unchanged":0,"pruned":0,"failed":0}""", applied.GetProperty("summary").GetRawText());
        Assert.All(Outcomes(applied), outcome => Assert.True(outcome.GetProperty("applied").GetBoolean() && outcome.GetProperty("id").GetString() is { Length: > 0 }));
        Assert.Equal(desk.Zone, applied.GetProperty("zoneId").GetString());

        var again = await desk.ResultAsync("state", "apply", new { document });
        Assert.Equal("""{"created":0,"updated":0,"unchanged":5,"pruned":0,"failed":0}""", again.GetProperty("summary").GetRawText());
        Assert.False(again.GetProperty("drift").GetBoolean());
        Assert.False((await desk.ResultAsync("state", "verify", new { document })).GetProperty("drift").GetBoolean());

        var changed = document.Replace("\"env:prod\"", "\"env:test\"", StringComparison.Ordinal).Replace("X-Key", "X-Other", StringComparison.Ordinal)
            .Replace("[\"b\",\"a\"]", "[\"a\",\"b\",\"c\"]", StringComparison.Ordinal).Replace("grants := {}", "grants := {} # two", StringComparison.Ordinal)
            .Replace("\"Key\"", "\"The Key\"", StringComparison.Ordinal);
        var drifted = await desk.ResultAsync("state", "plan", new { document = changed });
        Assert.Equal(["update:traits", "update:name,config", "update:scopes", "update:content", "unchanged:"], Outcomes(drifted).Select(Drift));
        Assert.Equal("""{"created":0,"updated":4,"unchanged":1,"pruned":0,"failed":0}""", (await desk.ResultAsync("state", "apply", new { document = changed })).GetProperty("summary").GetRawText());
        Assert.Equal("""{"created":0,"updated":0,"unchanged":5,"pruned":0,"failed":0}""", (await desk.ResultAsync("state", "apply", new { document = changed })).GetProperty("summary").GetRawText());
    }

    [Fact]
    public async Task Prunes_what_is_not_declared_but_never_a_control_key()
    {
        await using var desk = await OpenAsync();
        var provider = await desk.Api.ProviderAsync(desk.Zone);
        await desk.ResultAsync("state", "apply", new { document = Document(provider) });
        await desk.Api.ApplicationAsync(desk.Zone, "stray");
        var small = $$$"""
            {"prune":true,"objects":[{"kind":"application","spec":{"name":"agent"}},{"kind":"identity-provider","spec":{"identifier":"provider://none"}},{"kind":"identity-provider","spec":{"identifier":"provider://none-2"}},
             {"kind":"resource","spec":{"identifier":"resource://new","scopes":["a"],"upstream_url":"https://u","credential_provider_id":"{{{provider}}}"}}]}
            """;
        Assert.Equal(
            (403, "denied", "missing scope control:app:delete"),
            Refusal(await desk.InvokeAsync("state", "apply", new { document = small }, AllScopes.Replace("control:app:delete", "", StringComparison.Ordinal))));
        Assert.Equal(1, (await desk.ResultAsync("resource", "list")).GetArrayLength());

        var planned = await desk.ResultAsync("state", "plan", new { document = small });
        var report = await desk.ResultAsync("state", "apply", new { document = small });
        Assert.Equal(Actions(planned), Actions(report));

        // Resources go before the providers they name.
        Assert.Equal(["prune resource://pipernet", "prune provider://key", "prune stray"], Outcomes(report).Skip(4).Select(outcome => $"{outcome.GetProperty("action")} {outcome.GetProperty("identity")}"));
        Assert.Equal(200, (await desk.Api.GetAsync($"/v1/zones/{desk.Zone}/applications/{desk.Key}")).Status);
        Assert.Equal(1, (await desk.ResultAsync("policy", "list")).GetArrayLength());

        // The flag prunes as the document does; without either nothing goes.
        await desk.Api.ApplicationAsync(desk.Zone, "stray again");
        const string One = """{"objects":[{"kind":"application","spec":{"name":"agent"}}]}""";
        Assert.False((await desk.ResultAsync("state", "apply", new { document = One })).GetProperty("drift").GetBoolean());
        Assert.Equal(["unchanged", "prune"], Actions(await desk.ResultAsync("state", "apply", new { document = One, prune = true })));
    }

    [Theory]
    [InlineData("""{"objects":[{"kind":"application","spec":{"name":"x","zone_id":"elsewhere"}}]}""", 409, "zone_mismatch")]
    [InlineData("""{"objects":[{"kind":"policy-set","spec":{"name":"ok"}},{"kind":"application","spec":{"name":"x","zone":"elsewhere"}}]}""", 409, "zone_mismatch")]
    [InlineData("""{"objects":[{"kind":"application","spec":{"name":"x","traits":["control:invoke"]}}]}""", 403, "denied")]
    [InlineData("""{"objects":[{"kind":"application","spec":{"name":"x","traits":["caracal.sys:y"]}}]}""", 403, "denied")]
    [InlineData("""{"objects":[{"kind":"zone","spec":{"name":"x"}}]}""", 400, "invalid")]
    [InlineData("""{"objects":[{"kind":"application","spec":{}}]}""", 400, "invalid")]
    [InlineData("""{"objects":[{"kind":"application","spec":{"name":"x"}},{"kind":"application","spec":{"name":"x"}}]}""", 400, "invalid")]
    [InlineData("""{"objects":[{"kind":"application"}]}""", 400, "invalid")]
    [InlineData("""{"objects":{}}""", 400, "invalid")]
    [InlineData("[]", 400, "invalid")]
    [InlineData("{", 400, "invalid")]
    [InlineData("""{"objects":[],"objects":[]}""", 400, "invalid")]
    public async Task Refuses_a_document_whole(string document, int status, string code)
    {
        await using var desk = await OpenAsync();
        Assert.Equal((status, code), Code(await desk.InvokeAsync("state", "apply", new { document })));
        Assert.Equal(0, (await desk.ResultAsync("policy-set", "list")).GetArrayLength());
        Assert.Equal(1, (await desk.ResultAsync("app", "list")).GetArrayLength());
    }

    [Fact]
    public async Task Needs_the_scopes_of_everything_it_touches_before_it_writes_anything()
    {
        await using var desk = await OpenAsync();
        const string Two = """{"objects":[{"kind":"policy-set","spec":{"name":"s"}},{"kind":"application","spec":{"name":"x"}}]}""";
        const string Partial = "control:policy-set:read control:policy-set:write control:app:read";
        Assert.Equal((403, "denied", "missing scope control:app:write"), Refusal(await desk.InvokeAsync("state", "apply", new { document = Two }, Partial)));
        Assert.Equal(200, (await desk.InvokeAsync("state", "plan", new { document = Two }, Partial)).Status);
        Assert.Equal(0, (await desk.ResultAsync("policy-set", "list")).GetArrayLength());
    }

    [Fact]
    public async Task One_failure_does_not_stop_the_others_and_counts_once()
    {
        await using var desk = await OpenAsync();
        const string Mixed = """
            {"objects":[{"kind":"resource","spec":{"identifier":"resource://r","scopes":["a"]}},{"kind":"application","spec":{"name":"ci","traits":["team:y"]}},{"kind":"policy-set","spec":{"name":"s"}}]}
            """;
        var report = await desk.ResultAsync("state", "apply", new { document = Mixed });
        Assert.False(report.GetProperty("ok").GetBoolean());
        Assert.Equal("""{"created":1,"updated":0,"unchanged":0,"pruned":0,"failed":2}""", report.GetProperty("summary").GetRawText());
        Assert.Equal(["invalid", "denied"], Outcomes(report).Take(2).Select(outcome => outcome.GetProperty("error").GetProperty("code").GetString()!));
        Assert.Equal(["unchanged", "unchanged", "create"], Actions(report));
    }

    [Fact]
    public async Task Ensures_one_object()
    {
        await using var desk = await OpenAsync();
        const string Spec = """{"name":"agent","traits":["team:x"]}""";
        Assert.Equal(["create"], Actions(await desk.ResultAsync("ensure", "application", new Dictionary<string, object> { ["spec"] = Spec, ["dry-run"] = "true" })));
        Assert.Equal(["create"], Actions(await desk.ResultAsync("ensure", "application", new { spec = Spec })));
        Assert.Equal(["unchanged"], Actions(await desk.ResultAsync("ensure", "application", new { spec = Spec })));
        Assert.Equal((400, "invalid"), Code(await desk.InvokeAsync("ensure", "application", new { spec = "{}" })));
        Assert.Equal((409, "zone_mismatch"), Code(await desk.InvokeAsync("ensure", "application", new { spec = """{"name":"a","zone_id":"x"}""" })));
    }

    private static List<JsonElement> Outcomes(JsonElement report) => [.. report.GetProperty("outcomes").EnumerateArray()];

    private static IEnumerable<string> Actions(JsonElement report) => Outcomes(report).Select(outcome => outcome.GetProperty("action").GetString()!);

    private static string Drift(JsonElement outcome) =>
        $"{outcome.GetProperty("action")}:{(outcome.TryGetProperty("drift", out var drift) ? string.Join(',', drift.EnumerateArray()) : "")}";
}
