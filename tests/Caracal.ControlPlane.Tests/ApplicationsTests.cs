using Caracal.Keys.Secrets;

namespace Caracal.ControlPlane.Tests;

public sealed class ApplicationsTests
{
    [Theory]
    [InlineData("""{"name":"a"}""", 400, "invalid_application")]
    [InlineData("""{"name":"a","registration_method":"dcr"}""", 400, "invalid_application")]
    [InlineData("""{"name":"","registration_method":"managed"}""", 400, "invalid_application")]
    [InlineData("""{"name":"a","registration_method":"managed","x":1}""", 400, "invalid_application")]
    [InlineData("""{"name":"a","registration_method":"managed","traits":["a","a"]}""", 403, "trait_duplicate")]
    [InlineData("""{"name":"a","registration_method":"managed","traits":["1a"]}""", 403, "trait_invalid")]
    [InlineData("""{"name":"a","registration_method":"managed","traits":["control:scope:control:nope:read"]}""", 403, "trait_invalid")]
    public async Task Refuses_applications_that_break_the_rules(string body, int status, string code)
    {
        await using var api = await ApiHost.StartAsync();
        var reply = await api.PostAsync($"/v1/zones/{await api.ZoneAsync()}/applications", body);
        Assert.Equal(status, reply.Status);
        Assert.Equal(code, reply.Error);
    }

    [Fact]
    public async Task Shows_a_secret_once_and_reveals_it_only_after_the_audit_event()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var created = await api.PostAsync($"/v1/zones/{zone}/applications", """{"name":"app","registration_method":"managed"}""");
        var id = created.Get("id");
        var secret = created.Get("client_secret");
        Assert.Equal(46, secret.Length);
        Assert.False(created.Json.TryGetProperty("traits", out _));
        Assert.DoesNotContain(secret, (await api.GetAsync($"/v1/zones/{zone}/applications/{id}")).Text, StringComparison.Ordinal);
        Assert.Equal(SecretHash.Of(secret), (await api.RowsAsync("SELECT client_secret_hash FROM applications"))[0]["client_secret_hash"]);
        var revealed = await api.GetAsync($"/v1/zones/{zone}/applications/{id}/client-secret");
        Assert.Equal(secret, revealed.Get("client_secret"));
        var frame = Assert.Single(await api.AnnouncedAsync("caracal.audit.events"));
        var data = frame.GetProperty("data").GetString()!;
        Assert.Contains("\"event_type\":\"credential_revealed\"", data, StringComparison.Ordinal);
        Assert.Contains("\"credential\":\"application_client_secret\"", data, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, data, StringComparison.Ordinal);
        using var hmac = new System.Security.Cryptography.HMACSHA256(Convert.FromHexString(ApiHost.AuditKeyHex));
        Assert.Equal(
            Convert.ToHexStringLower(hmac.ComputeHash(System.Text.Encoding.UTF8.GetBytes(data))), frame.GetProperty("sig").GetString());
    }

    [Fact]
    public async Task Refuses_to_reveal_a_secret_whose_envelope_was_moved()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var one = await api.ApplicationAsync(zone, "one");
        var two = await api.ApplicationAsync(zone, "two");
        await api.ExecuteAsync($"""
            UPDATE secret_store SET envelope = (SELECT envelope FROM secret_store WHERE ref LIKE '%{one}%') WHERE ref LIKE '%{two}%'
            """);
        Assert.Equal("secret_backend_unavailable", (await api.GetAsync($"/v1/zones/{zone}/applications/{two}/client-secret")).Error);
        Assert.Empty(await api.AnnouncedAsync("caracal.audit.events"));
    }

    [Fact]
    [Trait("requirement", "R132")]
    public async Task Rotates_a_secret_hard_or_with_an_overlap()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var path = $"/v1/zones/{zone}/applications/{await api.ApplicationAsync(zone)}";
        var hard = await api.PostAsync($"{path}/rotate-secret");
        Assert.Equal(200, hard.Status);
        Assert.False(hard.Json.TryGetProperty("previous_secret_expires_at", out _));
        Assert.Empty(await api.RowsAsync("SELECT * FROM credential_secrets"));
        var soft = await api.PostAsync($"{path}/rotate-secret", """{"overlap_seconds":60,"reason":"quarterly"}""");
        Assert.NotNull(soft.Get("previous_secret_expires_at"));
        Assert.Equal(SecretHash.Of(hard.Get("client_secret")), (await api.RowsAsync("SELECT hash FROM credential_secrets"))[0]["hash"]);
        Assert.Equal(soft.Get("client_secret"), (await api.GetAsync($"{path}/client-secret")).Get("client_secret"));
        await api.ExecuteAsync("UPDATE credential_secrets SET last_used_at = 9000000000000000");
        Assert.Equal("previous_secret_in_use", (await api.PostAsync($"{path}/retire-secret")).Error);
        Assert.Equal(200, (await api.PostAsync($"{path}/retire-secret", """{"force":true}""")).Status);
        Assert.Equal("retired", (await api.RowsAsync("SELECT state FROM credential_secrets"))[0]["state"]);
    }

    [Fact]
    public async Task Changes_names_secrets_and_traits()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var id = await api.ApplicationAsync(zone, "one");
        await api.ApplicationAsync(zone, "Two");
        var path = $"/v1/zones/{zone}/applications/{id}";
        Assert.Equal("no_fields", (await api.PatchAsync(path, "{}")).Error);
        Assert.Equal("application_name_taken", (await api.PatchAsync(path, """{"name":"two"}""")).Error);
        Assert.Equal("application_name_taken", (await api.PostAsync($"/v1/zones/{zone}/applications", """{"name":"ONE","registration_method":"managed"}""")).Error);
        Assert.Equal("invalid_application", (await api.PatchAsync(path, $$"""{"client_secret":"{{new string('a', 40)}}"}""")).Error);
        Assert.Equal(200, (await api.PatchAsync(path, """{"client_secret":"abcdefghijklmnopqrstuvwxyz012345"}""")).Status);
        Assert.Equal("abcdefghijklmnopqrstuvwxyz012345", (await api.GetAsync($"{path}/client-secret")).Get("client_secret"));
        var zoneToken = await api.TokenAsync(zone);
        Assert.Equal("trait_forbidden", (await api.PatchAsync(path, """{"traits":["control:invoke"]}""", zoneToken)).Error);
        Assert.Equal(200, (await api.PatchAsync(path, """{"traits":["control:invoke","control:scope:control:app:read","control:max-ttl:300"]}""")).Status);
        var control = (await api.GetAsync($"/v1/zones/{zone}/resources")).Json.GetProperty("items")[0];
        Assert.Equal("caracal-control", control.GetProperty("identifier").GetString());
        Assert.Equal(30, control.GetProperty("scopes").GetArrayLength());
        Assert.Empty((await api.GetAsync($"/v1/zones/{zone}/resources", zoneToken)).Json.GetProperty("items").EnumerateArray());
        Assert.Equal("protected_resource", (await api.DeleteAsync($"/v1/zones/{zone}/resources/{control.GetProperty("id").GetString()}")).Error);
    }

    [Fact]
    public async Task Ends_live_authority_with_the_application()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var id = await api.ApplicationAsync(zone);
        await Authority.SeedAsync(api, zone, id);
        Assert.Equal(204, (await api.DeleteAsync($"/v1/zones/{zone}/applications/{id}")).Status);
        Assert.Equal("application_not_found", (await api.GetAsync($"/v1/zones/{zone}/applications/{id}")).Error);
        Assert.Empty(await api.RowsAsync("SELECT ref FROM secret_store WHERE ref LIKE '%clientSecret'"));
        Assert.All(await api.RowsAsync("SELECT status FROM authority_records"), row => Assert.Equal("revoked", row["status"]));
        Assert.All(await api.AnnouncedAsync("caracal.sessions.revoke"), message => Assert.Equal("application_archived", message.GetProperty("reason").GetString()));
        Assert.Equal(1, (await api.GetAsync($"/v1/zones/{zone}/applications?status=archived")).Json.GetProperty("items").GetArrayLength());
        Assert.Equal("invalid_query", (await api.GetAsync($"/v1/zones/{zone}/applications?status=x")).Error);
    }

    [Fact]
    public async Task Runs_a_workload_from_its_first_secret_to_its_deletion()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var created = await api.PostAsync($"/v1/zones/{zone}/workloads", """{"name":"w"}""");
        Assert.Equal(201, created.Status);
        Assert.StartsWith("ws_", created.Get("secret"), StringComparison.Ordinal);
        var path = $"/v1/zones/{zone}/workloads/{created.Get("id")}";
        Assert.Equal("workload_name_taken", (await api.PostAsync($"/v1/zones/{zone}/workloads", """{"name":"W"}""")).Error);
        Assert.Equal(created.Get("secret"), (await api.GetAsync($"{path}/secret")).Get("secret"));
        var bad = await api.SendAsync("PUT", path, """{"bindings":[{"env":"ld_preload","resource":"r"}]}""");
        Assert.Equal("invalid_credential_env", bad.Error);
        Assert.Equal("ld_preload", bad.Json.GetProperty("details").GetProperty("env").GetString());
        Assert.Equal("duplicate_credential_env", (await api.SendAsync("PUT", path, """{"bindings":[{"env":"A","resource":"r"},{"env":"A","resource":"s"}]}""")).Error);
        var put = await api.SendAsync("PUT", path, """{"bindings":[{"env":"A","resource":"r","scopes":[],"on_failure":"warn"},{"env":"B","resource":"s","optional":true}]}""");
        Assert.Equal("""[{"env":"A","resource":"r"},{"env":"B","resource":"s","optional":true,"on_failure":"error"}]""", put.Json.GetProperty("bindings").GetRawText());
        Assert.Equal(200, (await api.PostAsync($"{path}/rotate-secret")).Status);
        Assert.Equal(204, (await api.DeleteAsync(path)).Status);
        Assert.Equal("workload_not_found", (await api.GetAsync(path)).Error);
    }
}
