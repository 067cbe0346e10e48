namespace Caracal.ControlPlane.Tests;

public sealed class ResourcesTests
{
    private static string Body(string provider, string more = "") =>
        $$"""{"name":"PiperNet","identifier":"resource://pipernet","upstream_url":"https://up.example/api","scopes":["pipernet:read"],"credential_provider_id":"{{provider}}"{{more}}}""";

    [Fact]
    public async Task Stores_the_example_of_the_specification()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var provider = await api.ProviderAsync(zone);
        var created = await api.PostAsync($"/v1/zones/{zone}/resources", Body(provider, ""","operations":[{"method":"get","path":"/reports","scope":"pipernet:read"}]"""));
        Assert.Equal(201, created.Status);
        Assert.Equal("enforced", created.Get("operation_enforcement"));
        Assert.Equal("""[{"method":"GET","path":"/reports","scope":"pipernet:read"}]""", created.Json.GetProperty("operations").GetRawText());
        Assert.Equal("https://up.example/api", created.Get("upstream_url"));
        Assert.Equal("resource_identifier_conflict", (await api.PostAsync($"/v1/zones/{zone}/resources", Body(provider))).Error);
        var path = $"/v1/zones/{zone}/resources/{created.Get("id")}";
        Assert.Equal("operation_scope_not_in_resource_scopes", (await api.PatchAsync(path, """{"scopes":["other"]}""")).Error);
        Assert.Equal("upstream_url_required", (await api.PatchAsync(path, """{"upstream_url":null}""")).Error);
        Assert.Equal("no_fields", (await api.PatchAsync(path, "{}")).Error);
        Assert.Equal(200, (await api.PatchAsync(path, """{"scopes":["other"],"operations":[]}""")).Status);
        Assert.Equal(204, (await api.DeleteAsync(path)).Status);
        Assert.Equal("resource_not_found", (await api.GetAsync(path)).Error);
    }

    [Theory]
    [InlineData("""{"name":"a","scopes":["s"],"upstream_url":"https://u"}""", "credential_provider_required")]
    [InlineData("""{"name":"a","scopes":["s"],"credential_provider_id":"P"}""", "upstream_url_required")]
    [InlineData("""{"name":"a","scopes":["s"],"credential_provider_id":"x","upstream_url":"https://u"}""", "provider_not_found")]
    [InlineData("""{"scopes":["s"]}""", "invalid_resource")]
    [InlineData("""{"name":"a","scopes":[]}""", "invalid_resource")]
    [InlineData("""{"name":"a","scopes":["s"],"upstream_url":"ftp://u","credential_provider_id":"P"}""", "invalid_resource")]
    [InlineData("""{"identifier":"provider://a","scopes":["s"],"upstream_url":"https://u","credential_provider_id":"P"}""", "invalid_resource_identifier")]
    [InlineData("""{"identifier":"https://me@a","scopes":["s"],"upstream_url":"https://u","credential_provider_id":"P"}""", "invalid_resource_identifier")]
    [InlineData("""{"name":"a","scopes":["s"],"upstream_url":"https://u","credential_provider_id":"P","operations":[{"method":"GET","scope":"s"}]}""", "operation_method_and_path_required")]
    [InlineData("""{"name":"a","scopes":["s"],"upstream_url":"https://u","credential_provider_id":"P","operations":[{"method":"GET","path":"x","scope":"s"}]}""", "operation_path_must_be_absolute")]
    [InlineData("""{"name":"a","scopes":["s"],"upstream_url":"https://u","credential_provider_id":"P","operations":[{"method":"GET","path":"/x","scope":"t"}]}""", "operation_scope_not_in_resource_scopes")]
    [InlineData("""{"name":"a","scopes":["s"],"upstream_url":"https://u","credential_provider_id":"P","operations":[{"method":"GET","path":"/x","scope":"s"},{"method":"get","path":" /x ","scope":"s"}]}""", "operation_duplicate")]
    public async Task Refuses_resources_that_break_the_rules(string body, string code)
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var provider = await api.ProviderAsync(zone);
        Assert.Equal(code, (await api.PostAsync($"/v1/zones/{zone}/resources", body.Replace("\"P\"", $"\"{provider}\"", StringComparison.Ordinal))).Error);
    }

    [Fact]
    public async Task Stops_at_the_quota_of_the_zone()
    {
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?> { ["API_MAX_RESOURCES_PER_ZONE"] = "1" });
        var zone = await api.ZoneAsync();
        var provider = await api.ProviderAsync(zone);
        Assert.Equal(201, (await api.PostAsync($"/v1/zones/{zone}/resources", Body(provider))).Status);
        Assert.Equal("resource_quota_exceeded", (await api.PostAsync($"/v1/zones/{zone}/resources", Body(provider))).Error);
    }
}
