namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>Zones and their keys, admin tokens, sinks, issuers, approvals, the platform.</summary>
internal static class AccessRefusals
{
    public static async Task BringAboutAsync(RefusalRecord record)
    {
        var api = record.Api;
        var zone = await api.ZoneAsync("Access");
        var path = $"/v1/zones/{zone}";
        await ZonesAsync(record, zone, path);
        await KeysAsync(record, path);
        await TokensAsync(record, zone);
        await record.SendAsync("PUT", "/v1/audit-retention", """{"retention_days":366}""");
        await record.SendAsync("PUT", "/v1/mint-rate-limit", """{"limit_per_minute":1001}""");
        await SinksAndIssuersAsync(record, path);
        await ApprovalsAsync(record, zone, path);
        foreach (var target in (string[])["application_id", "session_id", "delegation_id"]) await record.PostAsync($"{path}/kill-switch", $$"""{"{{target}}":"missing"}""");
        await record.SendAsync("GET", $"{path}/subjects/overview?subject_id=missing");
    }

    private static async Task ZonesAsync(RefusalRecord record, string zone, string path)
    {
        var token = await record.Api.TokenAsync(null);
        await record.PostAsync("/v1/zones", """{"name":"Other","slug":"access"}""");
        await record.PostAsync("/v1/zones", """{"name":"caracal.sys/x"}""", token);
        await record.SendAsync("PATCH", path, """{"name":"caracal.sys/x"}""", token);
        await record.SendAsync("PATCH", path, "{}");
        await record.SendAsync("PATCH", path, """{"dcr_shutdown":"keep_live"}""");
        await record.SendAsync("PATCH", path, """{"slug":"generic"}""");
        await record.SendAsync("PATCH", path, """{"dcr_enabled":true}""");
        Assert.Equal(201, (await record.PostAsync($"{path}/applications/dcr", """{"name":"live"}""")).Status);
        await record.SendAsync("PATCH", path, """{"dcr_enabled":false}""");

        await record.PostAsync("/v1/bootstrap", "{}");
        await record.PostAsync("/v1/bootstrap", """{"zone_id":"missing"}""");
        await record.PostAsync("/v1/bootstrap", """{"zone":{"name":"x","slug":"access"}}""");
        await record.PostAsync("/v1/bootstrap", """{"zone":{"name":"caracal.sys/x"}}""");
        await record.PostAsync("/v1/bootstrap", $$"""{"zone_id":"{{zone}}"}""");
        await record.PostAsync("/v1/bootstrap", $$"""{"zone_id":"{{zone}}"}""");
    }

    private static async Task KeysAsync(RefusalRecord record, string path)
    {
        await record.PostAsync($"{path}/keys/rotate", """{"activation":"immediate"}""");
        await record.PostAsync($"{path}/keys/rotate", """{"activation":"immediate"}""");
        await record.PostAsync($"{path}/keys/rotate");
        foreach (var key in (await record.SendAsync("GET", $"{path}/keys")).Json.EnumerateArray().ToList()) await record.PostAsync($"{path}/keys/{key.GetProperty("kid").GetString()}/retire");
    }

    private static async Task TokensAsync(RefusalRecord record, string zone)
    {
        await record.PostAsync("/v1/admin-tokens", """{"name":"t","scope":"zone"}""");
        await record.PostAsync("/v1/admin-tokens", """{"name":"t","scope":"zone","zone_id":"missing"}""");
        await record.PostAsync("/v1/admin-tokens", $$"""{"name":"t","scope":"global","zone_id":"{{zone}}"}""");
    }

    private static async Task SinksAndIssuersAsync(RefusalRecord record, string path)
    {
        await record.PostAsync($"{path}/notification-sinks", """{"name":"s","url":"http://h.example"}""");
        var sink = "";
        for (var i = 0; i < 20; i++) sink = await record.MakeAsync($"{path}/notification-sinks", $$"""{"name":"s{{i}}","url":"https://h.example"}""");
        await record.PostAsync($"{path}/notification-sinks", """{"name":"s","url":"https://h.example"}""");
        await record.SendAsync("PATCH", $"{path}/notification-sinks/{sink}", "{}");
        await record.SendAsync("PATCH", $"{path}/notification-sinks/{sink}", """{"url":"http://h.example"}""");
        string Issuer(int i) => $$"""{"issuer":"https://i{{i}}.example","jwks_url":"https://i.example/k","audience":"a"}""";
        var issuer = await record.MakeAsync($"{path}/subject-issuers", Issuer(0));
        await record.PostAsync($"{path}/subject-issuers", Issuer(0));
        for (var i = 1; i < 20; i++) await record.MakeAsync($"{path}/subject-issuers", Issuer(i));
        await record.PostAsync($"{path}/subject-issuers", Issuer(20));
        await record.SendAsync("PATCH", $"{path}/subject-issuers/{issuer}", "{}");
        await record.SendAsync("PATCH", $"{path}/subject-issuers/{issuer}", """{"jwks_url":"http://i.example/k"}""");
    }

    private static async Task ApprovalsAsync(RefusalRecord record, string zone, string path)
    {
        var approver = await record.Api.TokenAsync(null, "approve");
        var sqlite = record.Api.Database.Dialect.Name == "sqlite";
        string Time(long microseconds) => sqlite ? $"{microseconds}" : $"to_timestamp({microseconds} / 1000000.0)";
        await record.Api.ExecuteAsync($$"""
            INSERT INTO step_up_challenges (id, zone_id, principal_id, approver_class, privacy_mode, resource_set_hash, metadata_json, created_at, expires_at, rejected_at)
            VALUES ('theirs', '{{zone}}', 'p', 'subject', 'identified', {{(sqlite ? "x'00'" : "'\\x00'")}}, '{}', {{Time(1)}}, {{Time(9000000000000000)}}, NULL),
                   ('done', '{{zone}}', 'q', 'operator', 'identified', {{(sqlite ? "x'00'" : "'\\x00'")}}, '{}', {{Time(1)}}, {{Time(9000000000000000)}}, {{Time(2)}})
            """);
        foreach (var decision in (string[])["approve", "reject"])
        {
            foreach (var id in (string[])["theirs", "done", "missing"]) await record.PostAsync($"{path}/approvals/{id}/{decision}", "{}", approver);
        }
    }
}
