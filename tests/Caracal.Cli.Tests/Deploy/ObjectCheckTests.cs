using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Hardening;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>The packaged objects pass every check of containers; each fault fails its own.</summary>
public sealed class ObjectCheckTests
{
    private static readonly string Compose = Json(Yaml.One(File.ReadAllText(Path.Combine(Yaml.Deploy, "compose", "compose.yaml"))));
    private static readonly string Chart = Json(new Dictionary<object, object?> { ["items"] = ChartTests.Objects.Cast<object?>().ToList() });

    [Theory]
    [InlineData(true, "H-CTR-1", "ok", "\"user\":\"65532:65532\"", "\"user\":\"0\"", "fail", "may be root")]
    [InlineData(true, "H-CTR-2", "ok", "\"cap_drop\":[\"ALL\"]", "\"cap_drop\":[\"NET_RAW\"]", "fail", "keeps capabilities")]
    [InlineData(true, "H-CTR-3", "ok", "no-new-privileges:true", "no-new-privileges:false", "fail", "may gain privileges")]
    [InlineData(true, "H-CTR-4", "ok", "\"read_only\":\"true\"", "\"read_only\":\"false\"", "fail", "may write its root")]
    [InlineData(true, "H-CTR-5", "warn", "./secrets/redis:/run/secrets:ro", "/var/run/docker.sock:/run/docker.sock", "fail", "redis holds the socket")]
    [InlineData(true, "H-K8S-2", "ok", "\"CARACAL_MODE\":\"stable\"", "\"ZONE_KEK\":\"00\"", "fail", "ZONE_KEK inline")]
    [InlineData(false, "H-CTR-1", "ok", "\"runAsNonRoot\":\"true\",\"runAsUser\":\"65532\"", "\"runAsUser\":\"0\"", "fail", "may be root")]
    [InlineData(false, "H-CTR-2", "ok", "\"drop\":[\"ALL\"]", "\"drop\":[]", "fail", "keeps capabilities")]
    [InlineData(false, "H-CTR-3", "ok", "\"allowPrivilegeEscalation\":\"false\"", "\"x\":\"y\"", "fail", "may gain privileges")]
    [InlineData(false, "H-CTR-4", "ok", "\"readOnlyRootFilesystem\":\"true\"", "\"x\":\"y\"", "fail", "may write its root")]
    [InlineData(false, "H-CTR-5", "warn", "caracal-server:v1.0.0", "caracal-server@sha256:0123", "ok", "digest")]
    [InlineData(false, "H-K8S-1", "ok", "caracal-default-deny\"},\"spec\":{", "caracal-default-deny\"},\"spec\":{\"egress\":[{}],", "fail", "denies by default")]
    [InlineData(false, "H-K8S-2", "ok", "\"automountServiceAccountToken\":\"false\"", "\"x\":\"y\"", "warn", "token of a service account")]
    [InlineData(false, "H-K8S-2", "ok", "\"kind\":\"PodDisruptionBudget\"", "\"kind\":\"ConfigMap\"", "warn", "no disruption budget")]
    [InlineData(false, "H-K8S-2", "ok", "{\"name\":\"LOG_LEVEL\",\"value\"", "{\"name\":\"METRICS_BEARER\",\"value\"", "fail", "METRICS_BEARER inline")]
    public async Task Passes_what_is_packaged_and_finds_the_one_fault(bool compose, string id, string good, string from, string to, string bad, string says)
    {
        using var running = new Running();
        var json = compose ? Compose : Chart;
        Assert.Contains(from, json, StringComparison.Ordinal);
        Assert.Equal(good, (await CheckAsync(running, id, json)).Status);

        var found = await CheckAsync(running, id, json.Replace(from, to, StringComparison.Ordinal));

        Assert.Equal(bad, found.Status);
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_what_is_no_object()
    {
        using var running = new Running();
        Assert.Throws<CommandFailure>(() => RenderedObjects.Read(running.Write("objects", "services:\n")));
        Assert.Throws<CommandFailure>(() => RenderedObjects.Read(Path.Combine(running.Home, "nowhere")));
    }

    private static async Task<(string Status, string Detail)> CheckAsync(Running running, string id, string json)
    {
        var (_, output, error) = await running.RunAsync("harden", "--only", id, "--json", "--objects", running.Write("objects.json", json));
        Assert.Equal("", error);
        var check = Assert.Single(JsonDocument.Parse(output).RootElement.GetProperty("checks").EnumerateArray());
        Assert.True(check.GetProperty("evaluated").GetBoolean(), check.GetProperty("detail").GetString());
        return (check.GetProperty("status").GetString()!, check.GetProperty("detail").GetString()!);
    }

    // As engines print it, but for numbers and switches, which are texts here and there.
    private static string Json(object? value) => value switch
    {
        Dictionary<object, object?> map => "{" + string.Join(',', map.Select(pair => JsonSerializer.Serialize((string)pair.Key) + ":" + Json(pair.Value))) + "}",
        List<object?> list => "[" + string.Join(',', list.Select(Json)) + "]",
        _ => JsonSerializer.Serialize(value as string),
    };
}
