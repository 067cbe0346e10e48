namespace Caracal.Sdk.Tests;

/// <summary>sdk.md 2 and cli.md 8.</summary>
public sealed class ConfigurationTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-sdk-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Every_missing_name_is_told_at_once()
    {
        var faults = Faults([]);
        foreach (var name in (string[])["CARACAL_ZONE_ID", "CARACAL_APPLICATION_ID", "CARACAL_APP_CLIENT_SECRET"]) Assert.Contains(name, faults, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_kinds_of_credentials_are_an_error() =>
        Assert.Contains("more than one", Faults(Identity(("CARACAL_BOOTSTRAP_TOKEN", "t"))), StringComparison.Ordinal);

    [Theory]
    [InlineData("http://coordinator.example", true)]
    [InlineData("https://coordinator.example", false)]
    [InlineData("http://127.0.0.9:4000", false)]
    [InlineData("http://[::1]:4000", false)]
    [InlineData("http://localhost:4000", false)]
    public void Production_speaks_https_except_to_this_machine(string url, bool refused)
    {
        var variables = Identity(("CARACAL_ENV", "production"), ("CARACAL_STS_URL", "https://sts"), ("CARACAL_GATEWAY_URL", "https://gw"), ("CARACAL_COORDINATOR_URL", url));
        if (refused) Assert.Contains("CoordinatorUrl must be https", Faults(variables), StringComparison.Ordinal);
        else Assert.Equal(url, CaracalClient.FromEnvironment(variables).Options.CoordinatorUrl);
    }

    [Fact]
    public void Production_names_its_services() =>
        Assert.Contains("CARACAL_GATEWAY_URL is required in production", Faults(Identity(("CARACAL_ENV", "production"))), StringComparison.Ordinal);

    [Fact]
    public void A_bootstrap_token_that_is_unsigned_or_over_is_refused_and_an_opaque_one_passes()
    {
        var identity = new Dictionary<string, string?> { ["CARACAL_ZONE_ID"] = "z", ["CARACAL_APPLICATION_ID"] = "a" };
        // {"alg":"None"}.{} and {"alg":"ES256"}.{"exp":1700000000}
        Assert.Contains("not signed", Faults(new(identity) { ["CARACAL_BOOTSTRAP_TOKEN"] = "eyJhbGciOiJOb25lIn0.e30." }), StringComparison.Ordinal);
        Assert.Contains("expired", Faults(new(identity) { ["CARACAL_BOOTSTRAP_TOKEN"] = "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDB9.AAAA" }), StringComparison.Ordinal);
        Assert.Equal("opaque", CaracalClient.FromEnvironment(new Dictionary<string, string?>(identity) { ["CARACAL_BOOTSTRAP_TOKEN"] = "opaque" }).Options.BootstrapToken);
    }

    [Fact]
    public async Task A_profile_is_read_and_a_replaced_secret_file_is_noticed()
    {
        var secret = Write("secret", "first\n", 0b110_000_000);
        var profile = Write("caracal.toml", $$"""
            # comment
            zone_id = "z1"   # the zone
            application_id = 'app1'
            app_client_secret_file = "{{secret}}"
            default_ttl_seconds = 900
            unknown = [1, 2]
            [[credentials]]
            resource = "resource://pipernet"
            upstream_prefix = "https://api.pipernet.example/v1"
            scopes = ["pipernet:read", "pipernet:write"]
            [[credentials]]
            resource = "resource://pipernet"
            upstream_prefix = "https://second.example"
            [[optional_credentials]]
            resource = "resource://extra"
            [other]
            zone_id = "not-this"
            """, 0b110_100_100);
        var client = CaracalClient.FromEnvironment(new Dictionary<string, string?> { ["CARACAL_CONFIG"] = profile, ["CARACAL_STS_URL"] = "http://localhost:1/" });
        Assert.Equal(("z1", "app1", 900, "http://localhost:1"), (client.Options.ZoneId, client.Options.ApplicationId, client.Options.DefaultTtlSeconds, client.Options.StsUrl));
        Assert.Equal(["resource://pipernet", "resource://extra"], client.Options.Resources.Select(resource => resource.ResourceId));
        Assert.Equal(("https://api.pipernet.example/v1", 2), (client.Options.Resources[0].UpstreamPrefix, client.Options.Resources[0].Scopes!.Count));
        Assert.Equal("first", (await client.Options.Resolver!(default))!.ClientSecret);
        File.WriteAllText(secret, "second");
        File.SetLastWriteTimeUtc(secret, DateTime.UtcNow.AddSeconds(5));
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while ((await client.Options.Resolver!(default))!.ClientSecret != "second") Assert.True(DateTime.UtcNow < deadline);
    }

    [Fact]
    public void Files_that_others_can_read_or_change_are_refused()
    {
        if (OperatingSystem.IsWindows()) return;
        const string Inline = "zone_id = \"z\"\napplication_id = \"a\"\napp_client_secret = \"s\"\n";
        Assert.Contains("others can change it", Profile(Inline, 0b110_110_110), StringComparison.Ordinal);
        Assert.Contains("too broad", Profile(Inline, 0b110_100_000), StringComparison.Ordinal);
        Assert.Equal("", Profile(Inline, 0b110_000_000));
        Assert.Contains("caracal.toml:2: ", Profile("zone_id = \"z\"\nno assignment\n", 0b110_000_000), StringComparison.Ordinal);
        Assert.Contains("not there", Faults(new() { ["CARACAL_CONFIG"] = "/nowhere/caracal.toml" }), StringComparison.Ordinal);
    }

    [Fact]
    public void Resources_of_the_environment_merge_by_id_and_bad_ones_are_told_together()
    {
        var file = Write("resources.json", """[{"resource_id":"resource://a","upstream_prefix":"https://one.example"},{"resource_id":"resource://b","upstream_prefix":"https://b.example"}]""", 0b110_000_000);
        var client = CaracalClient.FromEnvironment(Identity(
            ("CARACAL_RESOURCES_FILE", file), ("CARACAL_RESOURCES", "resource://a=https://two.example"), ("CARACAL_APP_RESOURCES", "resource://a, resource://c")));
        Assert.Equal(
            [("resource://a", "https://two.example"), ("resource://b", "https://b.example"), ("resource://c", null)],
            client.Options.Resources.Select(resource => (resource.ResourceId, resource.UpstreamPrefix)));
        var faults = Faults(Identity(("CARACAL_RESOURCES", "x,resource://y=relative")));
        Assert.Contains("'x'", faults, StringComparison.Ordinal);
        Assert.Contains("'resource://y=relative'", faults, StringComparison.Ordinal);
    }

    private static Dictionary<string, string?> Identity(params (string Name, string Value)[] more)
    {
        var variables = new Dictionary<string, string?> { ["CARACAL_ZONE_ID"] = "z", ["CARACAL_APPLICATION_ID"] = "a", ["CARACAL_APP_CLIENT_SECRET"] = "s" };
        foreach (var (name, value) in more) variables[name] = value;
        return variables;
    }

    private static string Faults(Dictionary<string, string?> variables) =>
        Assert.Throws<CaracalConfigurationException>(() => CaracalClient.FromEnvironment(variables)).Message;

    private string Profile(string text, int mode)
    {
        var path = Write("caracal.toml", text, mode);
        try
        {
            CaracalClient.FromEnvironment(new Dictionary<string, string?> { ["CARACAL_CONFIG"] = path });
            return "";
        }
        catch (CaracalConfigurationException fault)
        {
            return fault.Message;
        }
    }

    private string Write(string name, string text, int mode)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, (UnixFileMode)mode);
        return path;
    }
}
