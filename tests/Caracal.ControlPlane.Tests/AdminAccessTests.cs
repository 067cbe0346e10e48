using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;
using Caracal.Storage.Rotations;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

public sealed class AdminAccessTests
{
    [Fact]
    [Trait("requirement", "R100")]
    public async Task Keeps_a_zone_token_inside_its_zone()
    {
        await using var api = await ApiHost.StartAsync();
        var mine = await api.ZoneAsync("mine");
        var other = await api.ZoneAsync("other");
        await api.ApplicationAsync(mine);
        var token = await api.TokenAsync(mine);
        Assert.Equal(200, (await api.GetAsync($"/v1/zones/{mine}", token)).Status);
        foreach (var path in (string[])[$"/v1/zones/{other}", "/v1/zones", "/v1/admin-tokens", "/v1/nope"])
        {
            var reply = await api.GetAsync(path, token);
            Assert.Equal(403, reply.Status);
            Assert.Equal("admin_token_zone_mismatch", reply.Error);
        }

        Assert.Equal(200, (await api.GetAsync("/v1/policy-templates", token)).Status);
        var rows = (await api.GetAsync($"/v1/zones/{mine}/applications", token)).Json.GetProperty("items");
        Assert.False(rows[0].TryGetProperty("traits", out _));
        rows = (await api.GetAsync($"/v1/zones/{mine}/applications")).Json.GetProperty("items");
        Assert.True(rows[0].TryGetProperty("traits", out _));
    }

    [Fact]
    [Trait("requirement", "R122")]
    public async Task Follows_the_capability_matrix()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var read = await api.TokenAsync(zone, "read");
        var write = await api.TokenAsync(zone, "write");
        var approve = await api.TokenAsync(zone, "approve");
        Assert.Equal("admin_token_read_only", (await api.PatchAsync($"/v1/zones/{zone}", """{"name":"x"}""", read)).Error);
        Assert.Equal(422, (await api.PostAsync("/v1/policies/validate", """{"content":""}""", read)).Status);
        Assert.Equal("admin_token_approve_only", (await api.PatchAsync($"/v1/zones/{zone}", """{"name":"x"}""", approve)).Error);
        Assert.Equal("approve_capability_required", (await api.PostAsync($"/v1/zones/{zone}/approvals/a/approve", null, write)).Error);
        Assert.Equal("admin_token_read_only", (await api.PostAsync($"/v1/zones/{zone}/approvals/a/approve", null, read)).Error);
        Assert.Equal("approval_not_found", (await api.PostAsync($"/v1/zones/{zone}/approvals/a/approve", null, approve)).Error);
        Assert.Equal("approval_not_found", (await api.PostAsync($"/v1/zones/{zone}/approvals/a/approve")).Error);
        Assert.Equal(200, (await api.GetAsync($"/v1/zones/{zone}", approve)).Status);
    }

    [Fact]
    [Trait("requirement", "R7")]
    public async Task Lets_the_deployment_token_alone_use_the_reserved_namespace()
    {
        await using var api = await ApiHost.StartAsync();
        var token = await api.TokenAsync(null);
        Assert.Equal("reserved_namespace", (await api.PostAsync("/v1/zones", """{"name":" Caracal.SYS/x"}""", token)).Error);
        Assert.Equal("reserved_namespace", (await api.PostAsync("/v1/zones", """{"name":"x","slug":"caracal-sys-x"}""", token)).Error);
        var reserved = await api.PostAsync("/v1/zones", """{"name":"caracal.sys/x"}""");
        Assert.Equal(201, reserved.Status);
        var id = reserved.Get("id");
        Assert.Empty((await api.GetAsync("/v1/zones")).Json.GetProperty("items").EnumerateArray());
        Assert.Equal(200, (await api.GetAsync($"/v1/zones/{id}", token)).Status);
        Assert.Equal("system_zone_read_only", (await api.PatchAsync($"/v1/zones/{id}", """{"name":"y"}""", token)).Error);
        Assert.Equal(200, (await api.PatchAsync($"/v1/zones/{id}", """{"operator_governed":true}""")).Status);
    }

    [Fact]
    [Trait("requirement", "R26")]
    public async Task Kills_the_old_deployment_token_at_restart_with_a_new_one()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        await using (var first = await ApiHost.StartAsync(store: store)) Assert.Equal(200, (await first.GetAsync("/v1/zones")).Status);
        const string changed = "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
        await using var second = await ApiHost.StartAsync(new Dictionary<string, string?> { ["CARACAL_ADMIN_TOKEN"] = changed }, store);
        Assert.Equal(401, (await second.GetAsync("/v1/zones")).Status);
        Assert.Equal(200, (await second.GetAsync("/v1/zones", changed)).Status);
    }

    // operations.md 14, check 16: the folder of a replica may be behind when it restarts.
    [Fact]
    public async Task An_api_that_restarts_with_older_files_while_the_token_rotates_revokes_nothing()
    {
        const string next = "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        var rolled = new Dictionary<string, string?> { ["CARACAL_ADMIN_TOKEN"] = next, ["CARACAL_ADMIN_TOKEN_PREVIOUS"] = ApiHost.AdminToken };
        var rotation = new RotationRow
        {
            Id = "rot_1",
            Class = "admin-token",
            State = "rolled",
            ToSid = "sid_00000000000000b2",
            Location = "file:/s",
            VersionLabel = "v",
            ReasonKind = "scheduled",
            Reason = "the tests rotate",
            Actor = "ops@example.com",
            ActorTokenId = "t",
            CreatedAt = DateTimeOffset.UtcNow,
            UpdatedAt = DateTimeOffset.UtcNow,
        };
        await using var ahead = await ApiHost.StartAsync(rolled, store);
        await store.Owner.WriteAsync(work => RotationStore.InsertAsync(work, rotation));
        await using (var behind = await ApiHost.StartAsync(store: store))
        {
            foreach (var token in (string[])[next, ApiHost.AdminToken])
            {
                Assert.Equal(200, (await behind.GetAsync("/v1/zones", token)).Status);
                Assert.Equal(200, (await ahead.GetAsync("/v1/zones", token)).Status);
            }
        }

        await using (var restarted = await ApiHost.StartAsync(rolled, store)) Assert.Equal(200, (await restarted.GetAsync("/v1/zones")).Status);
        await store.Owner.WriteAsync(work => RotationStore.UpdateAsync(work, rotation with { State = "retired", EndedAt = DateTimeOffset.UtcNow }));
        await using var after = await ApiHost.StartAsync(new Dictionary<string, string?> { ["CARACAL_ADMIN_TOKEN"] = next }, store);
        Assert.Equal(401, (await after.GetAsync("/v1/zones")).Status);
    }

    [Fact]
    public async Task Keeps_both_deployment_tokens_while_a_slot_holds_the_other()
    {
        const string next = "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789";
        await using var api = await ApiHost.StartAsync(new Dictionary<string, string?> { ["CARACAL_ADMIN_TOKEN_NEXT"] = next });
        Assert.Equal(200, (await api.GetAsync("/v1/zones")).Status);
        Assert.Equal(200, (await api.GetAsync("/v1/zones", next)).Status);
    }

    [Fact]
    [Trait("requirement", "R98")]
    [Trait("requirement", "R101")]
    public async Task Revokes_an_admin_token_at_once()
    {
        await using var api = await ApiHost.StartAsync();
        var created = await api.PostAsync("/v1/admin-tokens", """{"name":"ops","scope":"global"}""");
        Assert.Equal(201, created.Status);
        Assert.StartsWith("cat_", created.Get("token"), StringComparison.Ordinal);
        Assert.Equal(47, created.Get("token").Length);
        var token = created.Get("token");
        Assert.Equal(200, (await api.GetAsync("/v1/zones", token)).Status);
        Assert.DoesNotContain(token, (await api.GetAsync("/v1/admin-tokens")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("sha256$", (await api.GetAsync("/v1/admin-tokens")).Text, StringComparison.Ordinal);
        Assert.Equal(204, (await api.DeleteAsync($"/v1/admin-tokens/{created.Get("id")}")).Status);
        Assert.Equal(401, (await api.GetAsync("/v1/zones", token)).Status);
        Assert.Equal("admin_token_not_found", (await api.DeleteAsync($"/v1/admin-tokens/{created.Get("id")}")).Error);
    }

    [Theory]
    [InlineData("""{"name":"a"}""", "invalid_admin_token_request")]
    [InlineData("""{"name":"a","scope":"zone"}""", "zone_id_required")]
    [InlineData("""{"name":"a","scope":"global","zone_id":"z"}""", "zone_id_not_allowed_for_global")]
    [InlineData("""{"name":"a","scope":"zone","zone_id":"z"}""", "zone_not_found")]
    [InlineData("""{"name":"a","scope":"global","x":1}""", "invalid_admin_token_request")]
    public async Task Refuses_admin_tokens_that_make_no_sense(string body, string code)
    {
        await using var api = await ApiHost.StartAsync();
        Assert.Equal(code, (await api.PostAsync("/v1/admin-tokens", body)).Error);
    }

    [Fact]
    public async Task Binds_a_console_token_to_its_account()
    {
        await using var api = await ApiHost.StartAsync();
        var deployment = new SecretText(ApiHost.AdminToken);
        var token = ConsoleTokens.Write(deployment);
        Assert.Equal("invalid_account_assertion", (await api.GetAsync("/v1/zones", token)).Error);
        var assertion = ("x-caracal-account", AccountAssertion.Mint(deployment, "acct-42", DateTimeOffset.UtcNow.AddMinutes(5)));
        var created = await api.SendAsync("POST", "/v1/zones", """{"name":"mine"}""", token, headers: assertion);
        Assert.Equal(201, created.Status);
        Assert.Equal("acct-42", created.Get("created_by"));
        var others = await api.ZoneAsync("others");
        var listed = await api.SendAsync("GET", "/v1/zones", null, token, headers: assertion);
        Assert.Equal(created.Get("id"), listed.Json.GetProperty("items").EnumerateArray().Single().GetProperty("id").GetString());
        Assert.Equal("zone_forbidden", (await api.SendAsync("GET", $"/v1/zones/{others}", null, token, headers: assertion)).Error);
        Assert.Equal("account_scope_required", (await api.SendAsync("GET", "/v1/admin-tokens", null, token, headers: assertion)).Error);
    }

    [Fact]
    public void Derives_the_tokens_of_the_specification()
    {
        var token = new SecretText(ApiHost.AdminToken);
        Assert.Equal("cat_WpPAZFQCk21h5WD0UliMbLbOE_8EJgHNYe6YoQte-Y0", ConsoleTokens.ReadOnly(token));
        Assert.Equal("cat_GTjf2upnJ-Lt5c3SwbV9iabhFRcqDk12hMsv5tN9lnM", ConsoleTokens.Write(token));
        Assert.Equal("cat_BMpAW6l2-7MJjqQY4tdRpfFrYEKHa2Z2MLsRMAKRfF0", ConsoleTokens.Approve(token));
        Assert.Equal("sha256$a8ae6e6ee929abea3afcfc5258c8ccd6f85273e0d4626d26c7279f3250f77c8e", SecretHash.Of(ApiHost.AdminToken));
        Assert.Equal("sha256$f36c594344b845807f0300a4012ba72e405133161be4a99e33798c731fce1f18", SecretHash.Of("cat_" + new string('A', 43)));
        Assert.Equal("sha256$6060dad30997e5c5caca29e0c7afcea54b0a9dc0e7c841b0cd9a73a5ea2943cd", SecretHash.Of("cs_" + new string('A', 43)));
        Assert.Equal(
            "v1.YWNjdC00Mg.1893456000.p1eWqp67JK3qlH_Ouw2WhppbfGhzEGv11nRi4QzJyeU",
            AccountAssertion.Mint(token, "acct-42", DateTimeOffset.FromUnixTimeSeconds(1893456000)));
    }
}
