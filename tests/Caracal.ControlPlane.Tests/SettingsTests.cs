using Caracal.Hosting.Settings;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class SettingsTests
{
    private const string Kek = "8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01";
    private const string Key = "9a3b1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef07";

    internal static Dictionary<string, string?> Published() => new()
    {
        ["CARACAL_MODE"] = "stable",
        ["ZONE_KEK"] = Kek,
        ["AUDIT_HMAC_KEY"] = Key,
        ["GATEWAY_STS_HMAC_KEY"] = "7c3b1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef05",
        ["STREAMS_HMAC_KEY"] = "5d3b1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef03",
        ["STS_URL"] = "https://sts.example",
        ["CARACAL_GATEWAY_URL"] = "https://gateway.example",
        ["CARACAL_COORDINATOR_URL"] = "https://coordinator.example",
    };

    [Fact]
    public void Starts_published_with_everything_it_needs()
    {
        Assert.Empty(FaultsOf(Published()));
    }

    [Theory]
    [InlineData("AUDIT_HMAC_KEY", null, "AUDIT_HMAC_KEY is required")]
    [InlineData("GATEWAY_STS_HMAC_KEY", null, "GATEWAY_STS_HMAC_KEY is required")]
    [InlineData("STREAMS_HMAC_KEY", null, "STREAMS_HMAC_KEY is required")]
    [InlineData("ZONE_KEK", "0000000000000000000000000000000000000000000000000000000000000000", "ZONE_KEK must not be all zeros")]
    [InlineData("INSECURE_STS", "true", "INSECURE_STS")]
    [InlineData("STS_URL", null, "STS_URL is required")]
    [InlineData("CARACAL_GATEWAY_URL", "http://gateway.example", "CARACAL_GATEWAY_URL must use https")]
    [InlineData("API_BODY_LIMIT_BYTES", "many", "API_BODY_LIMIT_BYTES")]
    [InlineData("CARACAL_SECRET_BACKEND", "vault", "CARACAL_SECRET_BACKEND")]
    [InlineData("CARACAL_ADMIN_TOKEN", "short", "CARACAL_ADMIN_TOKEN")]
    [InlineData("BOOTSTRAP_ADMIN_TOKEN", "short", "BOOTSTRAP_ADMIN_TOKEN")]
    public void Refuses_to_start_published_without_what_it_needs(string name, string? value, string fault)
    {
        var environment = Published();
        environment[name] = value;
        Assert.Contains(FaultsOf(environment), text => text.StartsWith(fault, StringComparison.Ordinal));
    }

    [Fact]
    [Trait("requirement", "R21")]
    public async Task Refuses_to_start_with_another_key_than_the_store_was_sealed_with()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        await using (var first = await ApiHost.StartAsync(store: store)) await first.ZoneAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => ApiHost.StartAsync(new Dictionary<string, string?> { ["ZONE_KEK"] = Key }, store));
    }

    private static IReadOnlyList<string> FaultsOf(Dictionary<string, string?> environment)
    {
        var reader = new SettingsReader(environment, ControlPlaneSettings.Role);
        ControlPlaneSettings.Read(reader);
        return reader.Faults;
    }
}
