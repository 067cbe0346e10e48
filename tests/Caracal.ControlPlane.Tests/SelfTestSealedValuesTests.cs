using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class SelfTestSealedValuesTests
{
    private const string Token = "metrics-bearer-0123456789-abcdefghijkl";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Names_the_zones_whose_values_do_not_open(Engine engine)
    {
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?> { ["METRICS_BEARER"] = Token }, engine: engine);
        await api.ZoneAsync("good");
        var bad = await api.ZoneAsync("bad");
        var provider = await api.PostAsync(
            $"/v1/zones/{bad}/providers",
            """{"name":"o","kind":"oauth2_client_credentials","config_json":{"token_endpoint":"https://id.example/token","client_id":"c","client_secret":"s3"}}""");
        Assert.Equal(201, provider.Status);
        foreach (var token in (string?[])[null, "wrong", ApiHost.AdminToken])
        {
            Assert.Equal(404, (await api.PostAsync("/internal/keys/selftest", token: token)).Status);
        }

        // Both zones' signing keys, the provider's secret and the canary of the system's zone.
        Assert.Equal("""{"zones_checked":3,"failed":[],"samples_opened":4,"ok":true}""", (await api.PostAsync("/internal/keys/selftest", token: Token)).Text);

        await api.ExecuteAsync($"UPDATE secret_store SET envelope = (SELECT envelope FROM secret_store WHERE zone_id = 'caracal.sys') WHERE zone_id = '{bad}'");
        Assert.Equal(
            $$"""{"zones_checked":3,"failed":["{{bad}}"],"samples_opened":3,"ok":false}""", (await api.PostAsync("/internal/keys/selftest", token: Token)).Text);
    }
}
