namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>Applications, workloads and what is granted to them.</summary>
internal static class ApplicationRefusals
{
    public static async Task BringAboutAsync(RefusalRecord record)
    {
        var api = record.Api;
        var zone = await api.ZoneAsync("Applications");
        var path = $"/v1/zones/{zone}/applications";
        var token = await api.TokenAsync(zone);
        var one = await api.ApplicationAsync(zone, "one");
        await api.ApplicationAsync(zone, "two");
        string Traits(string traits) => $$"""{"name":"t","registration_method":"managed","traits":[{{traits}}]}""";
        var many = string.Join(',', Enumerable.Range(0, 65).Select(i => $"\"t{i}\""));
        foreach (var traits in (string[])[many, "\"1\"", "\"a\",\"a\"", "\"control:invoke\""])
        {
            await record.PostAsync(path, Traits(traits), token);
            await record.SendAsync("PATCH", $"{path}/{one}", $$"""{"traits":[{{traits}}]}""", token);
        }

        await record.PostAsync(path, """{"name":"ONE","registration_method":"managed"}""");
        await record.PostAsync(path, """{"name":"caracal.sys/x","registration_method":"managed"}""", token);
        await record.SendAsync("PATCH", $"{path}/{one}", """{"name":"two"}""");
        await record.SendAsync("PATCH", $"{path}/{one}", """{"name":"caracal.sys/x"}""", token);
        await record.SendAsync("PATCH", $"{path}/{one}", "{}");
        await SecretsAsync(record, path, "client-secret", one);
        await api.ExecuteAsync($"UPDATE applications SET client_secret_hash = NULL WHERE id = '{one}'");
        await record.SendAsync("PATCH", $"{path}/{one}", """{"client_secret":"abcdefghijklmnopqrstuvwxyz012345"}""");
        await RegistrationAsync(record, zone, path, token);
        await WorkloadsAsync(record, zone);
        await GrantsAsync(record, zone, one);
    }

    // Two rotations overlap; the custody's copy is another's, then none.
    private static async Task SecretsAsync(RefusalRecord record, string path, string word, string id)
    {
        var sqlite = record.Api.Database.Dialect.Name == "sqlite";
        await record.PostAsync($"{path}/{id}/rotate-secret", """{"overlap_seconds":604801}""");
        Assert.Equal(200, (await record.PostAsync($"{path}/{id}/rotate-secret", """{"overlap_seconds":600,"reason":"first"}""")).Status);
        await record.Api.ExecuteAsync($"UPDATE credential_secrets SET last_used_at = {(sqlite ? "9000000000000000" : "now()")}");
        await record.PostAsync($"{path}/{id}/retire-secret", """{"surprise":1}""");
        await record.PostAsync($"{path}/{id}/retire-secret");
        await record.Api.ExecuteAsync($"UPDATE secret_store SET envelope = {(sqlite ? "x'00'" : "'\\x00'")} WHERE ref LIKE '%{id}%'");
        await record.SendAsync("GET", $"{path}/{id}/{word}");
        await record.Api.ExecuteAsync($"DELETE FROM secret_store WHERE ref LIKE '%{id}%'");
        await record.SendAsync("GET", $"{path}/{id}/{word}");
    }

    private static async Task RegistrationAsync(RefusalRecord record, string zone, string path, string token)
    {
        await record.PostAsync($"{path}/dcr", """{"name":"d"}""");
        await record.SendAsync("PATCH", $"/v1/zones/{zone}", """{"dcr_enabled":true}""");
        await record.PostAsync($"{path}/dcr", """{"name":"caracal.sys/x"}""", token);
        for (var i = 0; i < 30; i++) await record.PostAsync($"{path}/dcr", """{"name":"d"}""", token);
        var far = record.Api.Database.Dialect.Name == "sqlite" ? "9000000000000000" : "'2200-01-01'";
        var none = far[0] == '9' ? "'[]'" : "'{}'";
        for (var i = 0; i < 1000; i += 250)
        {
            var rows = string.Join(',', Enumerable.Range(i, 250).Select(n => $"('dcr-{n}', '{zone}', 'd{n}', 'dcr', {none}, {far}, {(far[0] == '9' ? "1" : "now()")})"));
            await record.Api.ExecuteAsync($"INSERT INTO applications (id, zone_id, name, registration_method, traits, expires_at, created_at) VALUES {rows}");
        }

        await record.PostAsync($"{path}/dcr", """{"name":"d"}""");
    }

    private static async Task WorkloadsAsync(RefusalRecord record, string zone)
    {
        var path = $"/v1/zones/{zone}/workloads";
        var one = await record.MakeAsync(path, """{"name":"one"}""");
        await record.MakeAsync(path, """{"name":"two"}""");
        await record.PostAsync(path, """{"name":"ONE"}""");
        await record.SendAsync("PUT", $"{path}/{one}", """{"name":"two"}""");
        await record.SendAsync("PUT", $"{path}/{one}", "{}");
        await record.SendAsync("PUT", $"{path}/{one}", """{"bindings":[{"env":"ld_preload","resource":"resource://r"}]}""");
        await record.SendAsync("PUT", $"{path}/{one}", """{"bindings":[{"env":"A","resource":"resource://r"},{"env":"A","resource":"resource://r"}]}""");
        await SecretsAsync(record, path, "secret", one);
    }

    private static async Task GrantsAsync(RefusalRecord record, string zone, string application)
    {
        var path = $"/v1/zones/{zone}";
        var provider = await record.Api.ProviderAsync(zone);
        var resource = await record.MakeAsync($"{path}/resources", $$"""{"name":"g","upstream_url":"https://u.example","scopes":["a:b"],"credential_provider_id":"{{provider}}"}""");
        var control = (await record.SendAsync("PATCH", $"{path}/applications/{application}", """{"traits":["control:invoke"]}""")).Status;
        Assert.Equal(200, control);
        var items = (await record.SendAsync("GET", $"{path}/resources")).Json.GetProperty("items").EnumerateArray();
        var reserved = items.Single(row => row.GetProperty("identifier").GetString() == "caracal-control").GetProperty("id").GetString();
        string Grant(string app, string target, string scope) => $$"""{"application_id":"{{app}}","user_id":"u","resource_id":"{{target}}","scopes":["{{scope}}"]}""";
        await record.PostAsync($"{path}/grants", Grant(application, "missing", "a:b"));
        await record.PostAsync($"{path}/grants", Grant("missing", resource, "a:b"));
        await record.PostAsync($"{path}/grants", Grant(application, resource, "other"));
        await record.PostAsync($"{path}/grants", Grant(application, reserved!, "control:app:read"));
    }
}
