using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Hardening;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>The packaged objects pass every check of containers; each fault fails its own.</summary>
public sealed class ObjectCheckTests
{
    internal static readonly string Compose = Json(Yaml.One(File.ReadAllText(Path.Combine(Yaml.Deploy, "compose", "compose.yaml"))));
    internal static readonly string Chart = Json(new Dictionary<object, object?> { ["items"] = ChartTests.Objects.Cast<object?>().ToList() });

    /// <summary>What is changed in the packaged objects, and what the check then is.</summary>
    internal static IReadOnlyDictionary<string, ObjectFault> Faults { get; } = new Dictionary<string, ObjectFault>(StringComparer.Ordinal)
    {
        ["H-CTR-1 compose: may be root"] = new(true, "H-CTR-1", "ok", "\"user\":\"65532:65532\"", "\"user\":\"0\"", "fail", "may be root"),
        ["H-CTR-2 compose: keeps capabilities"] = new(true, "H-CTR-2", "ok", "\"cap_drop\":[\"ALL\"]", "\"cap_drop\":[\"NET_RAW\"]", "fail", "keeps capabilities"),
        ["H-CTR-3 compose: may gain privileges"] = new(true, "H-CTR-3", "ok", "no-new-privileges:true", "no-new-privileges:false", "fail", "may gain privileges"),
        ["H-CTR-4 compose: may write its root"] = new(true, "H-CTR-4", "ok", "\"read_only\":\"true\"", "\"read_only\":\"false\"", "fail", "may write its root"),
        ["H-CTR-5 compose: redis holds the socket"] = new(true, "H-CTR-5", "warn", "./secrets/redis:/run/secrets:ro", "/var/run/docker.sock:/run/docker.sock", "fail", "redis holds the socket"),
        ["H-K8S-2 compose: ZONE_KEK inline"] = new(true, "H-K8S-2", "ok", "\"CARACAL_MODE\":\"stable\"", "\"ZONE_KEK\":\"00\"", "fail", "ZONE_KEK inline"),
        ["H-CTR-1 chart: may be root"] = new(false, "H-CTR-1", "ok", "\"runAsNonRoot\":\"true\",\"runAsUser\":\"65532\"", "\"runAsUser\":\"0\"", "fail", "may be root"),
        ["H-CTR-2 chart: keeps capabilities"] = new(false, "H-CTR-2", "ok", "\"drop\":[\"ALL\"]", "\"drop\":[]", "fail", "keeps capabilities"),
        ["H-CTR-3 chart: may gain privileges"] = new(false, "H-CTR-3", "ok", "\"allowPrivilegeEscalation\":\"false\"", "\"x\":\"y\"", "fail", "may gain privileges"),
        ["H-CTR-4 chart: may write its root"] = new(false, "H-CTR-4", "ok", "\"readOnlyRootFilesystem\":\"true\"", "\"x\":\"y\"", "fail", "may write its root"),
        ["H-CTR-5 chart: digest"] = new(false, "H-CTR-5", "warn", "caracal-server:v1.0.0", "caracal-server@sha256:0123", "ok", "digest"),
        ["H-K8S-1 chart: denies by default"] = new(false, "H-K8S-1", "ok", "caracal-default-deny\"},\"spec\":{", "caracal-default-deny\"},\"spec\":{\"egress\":[{}],", "fail", "denies by default"),
        ["H-K8S-2 chart: token of a service account"] = new(false, "H-K8S-2", "ok", "\"automountServiceAccountToken\":\"false\"", "\"x\":\"y\"", "warn", "token of a service account"),
        ["H-K8S-2 chart: no disruption budget"] = new(false, "H-K8S-2", "ok", "\"kind\":\"PodDisruptionBudget\"", "\"kind\":\"ConfigMap\"", "warn", "no disruption budget"),
        ["H-K8S-2 chart: METRICS_BEARER inline"] = new(false, "H-K8S-2", "ok", "{\"name\":\"LOG_LEVEL\",\"value\"", "{\"name\":\"METRICS_BEARER\",\"value\"", "fail", "METRICS_BEARER inline"),
        ["H-K8S-1 chart: lets pods reach every host"] = new(false, "H-K8S-1", "ok", "\"cidr\":\"0.0.0.0/0\",\"except\"", "\"cidr\":\"0.0.0.0/0\",\"x\"", "warn", "lets pods reach every host"),
    };

    public static TheoryData<string> Names => [.. Faults.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Passes_what_is_packaged_and_finds_the_one_fault(string name)
    {
        var (compose, id, good, from, to, bad, says) = Faults[name];
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

/// <summary>One change of rendered objects.</summary>
internal sealed record ObjectFault(bool OfCompose, string Check, string Good, string From, string To, string Bad, string Says);
