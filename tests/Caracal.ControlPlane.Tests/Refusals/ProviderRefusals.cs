namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>Providers, what is probed outside, and the consent of users.</summary>
internal static class ProviderRefusals
{
    private const string Consent =
        """{"authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t","redirect_uri":"https://h.example/c","client_id":"c","client_secret":"s"}""";

    public static async Task BringAboutAsync(RefusalRecord record, AuthorizationServer outside)
    {
        var zone = await record.Api.ZoneAsync("Providers");
        var path = $"/v1/zones/{zone}/providers";
        var token = await record.Api.TokenAsync(zone);
        var plain = await record.MakeAsync(path, """{"name":"plain","kind":"none"}""");
        var consent = await record.MakeAsync(path, $$"""{"name":"consent","kind":"oauth2_authorization_code","config_json":{{Consent}}}""");
        foreach (var body in (string[])
        [
            """{"name":"x","identifier":"no","kind":"none"}""", """{"name":"x","kind":"none","config_json":{"a":1}}""", """{"name":"x","kind":"none","check":true}""",
            """{"name":"x","identifier":"provider://plain","kind":"none"}""", $$"""{"name":"x","kind":"oauth2_authorization_code","check":true,"config_json":{{Consent}}}""",
            """{"name":"x","identifier":"provider://caracal-sys-x","kind":"none"}""",
        ])
        {
            await record.PostAsync(path, body, token);
        }

        foreach (var body in (string[])
        [
            "{}", """{"identifier":"no"}""", """{"config_json":{"a":1}}""", """{"kind":"none"}""", """{"identifier":"provider://consent"}""",
            """{"identifier":"provider://caracal-sys-x"}""",
        ])
        {
            await record.SendAsync("PATCH", $"{path}/{plain}", body, token);
        }

        await ProbesAsync(record, path, plain, consent);
        await ConnectionsAsync(record, outside, zone, plain, consent);
        await BreakSealAsync(record, consent);
        await record.PostAsync($"{path}/{consent}/test");
        await record.SendAsync("PATCH", $"{path}/{consent}", $$"""{"config_json":{{Consent}}}""");
    }

    private static async Task ProbesAsync(RefusalRecord record, string path, string plain, string consent)
    {
        var elsewhere = $"/v1/zones/{await record.Api.ZoneAsync("Probes")}/providers";
        var probed = await record.MakeAsync(elsewhere, $$"""{"name":"p","kind":"oauth2_authorization_code","config_json":{{Consent}}}""");
        await record.PostAsync($"{path}/{plain}/test");
        await record.PostAsync($"{path}/discovery", """{"issuer":"http://id.example"}""");
        for (var i = 0; i < 12; i++)
        {
            await record.PostAsync($"{elsewhere}/discovery", """{"issuer":"https://id.example"}""");
            await record.PostAsync($"{elsewhere}/{probed}/test");
        }

        await record.PostAsync(elsewhere, $$"""{"name":"x","kind":"oauth2_authorization_code","check":true,"config_json":{{Consent}}}""");
        Assert.NotEqual(plain, consent);
    }

    private static async Task ConnectionsAsync(RefusalRecord record, AuthorizationServer outside, string zone, string plain, string consent)
    {
        var path = $"/v1/zones/{zone}/provider-connections";
        await record.PostAsync(path, $$"""{"provider_id":"{{plain}}","access_token":"a"}""");
        await record.PostAsync($"{path}/oauth/authorize", $$"""{"provider_id":"{{plain}}"}""");
        await BackAsync("short");
        await BackAsync(new string('a', 43));
        await BackAsync(await StateAsync(), zone: await record.Api.ZoneAsync("Elsewhere"));
        await BackAsync(await StateAsync(), more: "&error=access_denied");
        await BackAsync(await StateAsync());
        foreach (var (status, body) in ((int, string)[])[(500, "{}"), (200, "{}"), (200, """{"access_token":"a","token_type":"mac"}""")])
        {
            outside.Answer = context => AuthorizationServer.JsonAsync(context, status, body);
            await BackAsync(await StateAsync(), more: "&code=c");
        }

        // What was changed behind the API while the user was away.
        await ChangedAsync("provider_kind = 'none'");
        await ChangedAsync("""config_json = '{"client_id":"c"}'""");
        await ChangedAsync($$"""config_json = '{{Consent.Replace("}", ",\"allowed_token_hosts\":[\"other.example\"]}", StringComparison.Ordinal)}}'""");
        await ChangedAsync("archived_at = created_at");
        await ChangedAsync($"config_json = config_json", brokenSeal: true);
        await record.Api.ExecuteAsync($$"""UPDATE providers SET config_json = '{"client_id":"c"}' WHERE id = '{{consent}}'""");
        await record.PostAsync($"{path}/oauth/authorize", $$"""{"provider_id":"{{consent}}"}""");
        await record.Api.ExecuteAsync($"UPDATE providers SET config_json = '{Consent}' WHERE id = '{consent}'");

        async Task<string> StateAsync() => (await record.PostAsync($"{path}/oauth/authorize", $$"""{"provider_id":"{{consent}}"}""")).Get("state");

        Task<Reply> BackAsync(string state, string more = "", string? zone = null) =>
            record.SendAsync("GET", $"{(zone is null ? path : $"/v1/zones/{zone}/provider-connections")}/oauth/callback?state={state}{more}", null, null);

        async Task ChangedAsync(string change, bool brokenSeal = false)
        {
            var state = await StateAsync();
            await record.Api.ExecuteAsync($"UPDATE providers SET {change} WHERE id = '{consent}'");
            if (brokenSeal) await BreakSealAsync(record, consent);
            await BackAsync(state, more: "&code=c");
            await record.Api.ExecuteAsync($"UPDATE providers SET provider_kind = 'oauth2_authorization_code', archived_at = NULL, config_json = '{Consent.Replace(",\"client_secret\":\"s\"", "", StringComparison.Ordinal)}' WHERE id = '{consent}'");
        }
    }

    private static Task BreakSealAsync(RefusalRecord record, string id) => record.Api.ExecuteAsync(
        $"UPDATE secret_store SET envelope = {(record.Api.Database.Dialect.Name == "sqlite" ? "x'00'" : "'\\x00'")} WHERE ref LIKE '%{id}%'");
}
