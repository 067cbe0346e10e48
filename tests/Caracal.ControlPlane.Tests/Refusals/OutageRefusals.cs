namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>What is refused while Redis is away, and where no token may make the first zone.</summary>
internal static class OutageRefusals
{
    private const string Consent =
        """{"authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t","redirect_uri":"https://h.example/c","client_id":"c","client_secret":"s"}""";

    public static async Task BringAboutAsync(RefusalRecord alone, RefusalRecord main)
    {
        await alone.PostAsync("/v1/bootstrap", """{"zone":{"name":"x"}}""");

        // The same store, seen by an instance whose Redis is away.
        await using var api = await ApiHost.StartAsync(store: main.Api.Store, shared: new AwayState());
        var away = new RefusalRecord(api);
        var zone = await api.ZoneAsync("Away");
        var path = $"/v1/zones/{zone}";
        var provider = await away.MakeAsync($"{path}/providers", $$"""{"name":"consent","kind":"oauth2_authorization_code","config_json":{{Consent}}}""");
        await away.PostAsync($"{path}/provider-connections/oauth/authorize", $$"""{"provider_id":"{{provider}}"}""");
        await away.SendAsync("GET", $"{path}/provider-connections/oauth/callback?state={new string('a', 43)}&code=c", null, null);
        var policy = await away.PostAsync($"{path}/policies", $$"""{"name":"p","content":{{PolicyRefusals.Content}}}""");
        var set = $"{path}/policy-sets/{await away.MakeAsync($"{path}/policy-sets", """{"name":"s"}""")}";
        var version = await away.MakeAsync($"{set}/versions", $$"""{"manifest":[{"policy_version_id":"{{policy.Get("version_id")}}"}]}""");
        await away.PostAsync($"{set}/versions/{version}/replay", "{}");
        await away.PostAsync($"{set}/versions/{version}/shadow", "{}");
        await away.SendAsync("GET", $"{path}/policy-replays/x");
        await away.SendAsync("GET", $"{path}/policy-shadow");
        await away.SendAsync("DELETE", $"{path}/policy-shadow");
        alone.Seen.UnionWith(away.Seen);

        // A state nobody of us wrote.
        var state = new string('b', 43);
        using var other = new Caracal.Streams.State.InProcessState(TimeProvider.System);
        await other.SetAsync($"api:provider_oauth_state:{state}", "not ours", TimeSpan.FromMinutes(1), default);
        await using var third = await ApiHost.StartAsync(store: main.Api.Store, shared: other);
        var strange = new RefusalRecord(third);
        await strange.SendAsync("GET", $"{path}/provider-connections/oauth/callback?state={state}&code=c", null, null);
        alone.Seen.UnionWith(strange.Seen);
    }
}
