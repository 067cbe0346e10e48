namespace Caracal.ControlPlane.Tests;

public sealed class BootstrapTests
{
    private const string BootstrapToken = "bootstrap-0123456789-abcdefghijklmnop";

    private static readonly Dictionary<string, string?> WithToken = new() { ["BOOTSTRAP_ADMIN_TOKEN"] = BootstrapToken };

    [Fact]
    public async Task Is_not_there_when_no_token_is_set()
    {
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?> { ["CARACAL_ADMIN_TOKEN"] = null });
        Assert.Equal("bootstrap_disabled", (await api.PostAsync("/v1/bootstrap", "{}")).Error);
    }

    [Fact]
    [Trait("requirement", "R103")]
    public async Task Takes_its_own_token_and_that_token_opens_nothing_else()
    {
        await using var api = await ApiHost.StartAsync(WithToken);
        Assert.Equal(401, (await api.PostAsync("/v1/bootstrap", """{"zone":{"name":"x"}}""")).Status);
        Assert.Equal(401, (await api.GetAsync("/v1/zones", BootstrapToken)).Status);
        foreach (var body in (string[])["{}", """{"zone":{"name":"x"},"zone_id":"y"}""", """{"zone":{"name":"x","a":1}}""", """{"zone":{"name":"x"},"b":1}"""])
        {
            Assert.Equal("invalid_bootstrap_request", (await api.PostAsync("/v1/bootstrap", body, BootstrapToken)).Error);
        }

        Assert.Equal("zone_not_found", (await api.PostAsync("/v1/bootstrap", """{"zone_id":"y"}""", BootstrapToken)).Error);
        var reply = await api.PostAsync("/v1/bootstrap", """{"zone":{"name":"Pied Piper"},"token":{"name":"ops"}}""", BootstrapToken);
        Assert.Equal(201, reply.Status);
        var zone = reply.Json.GetProperty("zone");
        Assert.Equal("pied-piper", zone.GetProperty("slug").GetString());
        Assert.Equal("bootstrap", zone.GetProperty("created_by").GetString());
        Assert.Equal("ops", reply.Json.GetProperty("admin_token").GetProperty("name").GetString());
        Assert.Equal(200, (await api.GetAsync($"/v1/zones/{reply.Get("zone_id")}", reply.Get("token"))).Status);
        Assert.Equal("already_bootstrapped", (await api.PostAsync("/v1/bootstrap", """{"zone":{"name":"b"}}""", BootstrapToken)).Error);
        var audit = (await api.GetAsync($"/v1/zones/{reply.Get("zone_id")}/admin-audit")).Json.GetProperty("items");
        Assert.Equal("POST /v1/bootstrap", audit[0].GetProperty("action").GetString());
    }

    [Fact]
    [Trait("requirement", "R7")]
    public async Task Falls_back_on_the_deployment_token()
    {
        await using var api = await ApiHost.StartAsync();
        Assert.Equal(201, (await api.PostAsync("/v1/bootstrap", """{"zone":{"name":"x"}}""")).Status);
    }
}
