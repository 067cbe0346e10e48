using Caracal.Evidence.AdminAudit;
using Caracal.Evidence.Canonical;
using Caracal.Evidence.Ledger;
using Caracal.Keys.Rings;

namespace Caracal.ControlPlane.Tests;

public sealed class AuditTests
{
    [Fact]
    public void Hashes_the_admin_row_of_the_specification()
    {
        var entry = new AdminAuditEntry
        {
            Id = "0198c1d2-0000-7000-8000-000000000101",
            RequestId = "req-1",
            ActorId = "tok-1",
            ActorName = "bootstrap",
            ActorScope = "global",
            Action = "POST /v1/zones",
            Method = "POST",
            Path = "/v1/zones",
            ZoneId = "z1",
            EntityType = "zones",
            EntityId = "z1",
            StatusCode = 201,
            PayloadJson = CanonicalJson.Text("""{"rls_mode":"control_plane_wildcard","rls_zone_guc":"*","change_kind":"create","changed_fields":["name"]}"""),
            OccurredAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
        };
        var row = AdminAuditHash.Link(entry, ChainHead.Empty, new HmacKey(KeyClass.AuditHmac, Convert.FromHexString(ApiHost.AuditKeyHex)));
        Assert.Equal("c9d54624045524cc162f9c07d24907fddf3a42edaba8a58d10b75cd92711ce65", row.ContentSha256);
        Assert.Equal("be0cf343f12d11ee32bf6c453bd7c9b710a258003c1a58f48ccd76e06bdbd5d0", row.ChainHmac);
    }

    [Fact]
    public async Task Records_every_change_without_values_in_a_chain_that_recomputes()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync("Secret Zone Name");
        var application = await api.ApplicationAsync(zone, "quiet-name");
        await api.PatchAsync($"/v1/zones/{zone}/applications/{application}", """{"client_secret":"abcdefghijklmnopqrstuvwxyz012345"}""");
        await api.PostAsync($"/v1/zones/{zone}/applications/{application}/rotate-secret");
        await api.PatchAsync($"/v1/zones/{zone}", "{}");
        await api.DeleteAsync($"/v1/zones/{zone}/applications/{application}");
        var reply = await api.GetAsync($"/v1/zones/{zone}/admin-audit");
        Assert.DoesNotContain("quiet-name", reply.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("Secret Zone Name", reply.Text, StringComparison.Ordinal);
        // The list is by time; a clock that was measured anew in between may have gone back a little, the chain never does.
        var rows = reply.Json.GetProperty("items").EnumerateArray().OrderBy(row => row.GetProperty("chain_seq").GetInt32()).ToList();
        Assert.Equal(Enumerable.Range(1, 6), rows.Select(row => row.GetProperty("chain_seq").GetInt32()));
        Assert.All(rows, row => Assert.True(row.GetProperty("signed").GetBoolean()));
        Assert.Equal("zones", rows[0].GetProperty("entity_type").GetString());
        Assert.Equal(zone, rows[0].GetProperty("entity_id").GetString());
        Assert.Equal("""["name"]""", rows[0].GetProperty("payload_json").GetProperty("changed_fields").GetRawText());
        Assert.Equal(["create", "create", "secret_rotation", "secret_rotation", null, "delete"], rows.Select(Kind));
        Assert.Equal(400, rows[4].GetProperty("status_code").GetInt32());

        var previous = "";
        foreach (var row in await api.RowsAsync($"SELECT * FROM admin_audit_events WHERE zone_id = '{zone}' ORDER BY chain_seq"))
        {
            var content = AdminAuditHash.Content(new AdminAuditEntry
            {
                Id = row["id"]!,
                RequestId = row["request_id"]!,
                ActorId = row["actor_id"],
                ActorName = row["actor_name"],
                ActorScope = row["actor_scope"],
                Action = row["action"]!,
                Method = row["method"]!,
                Path = row["path"]!,
                ZoneId = row["zone_id"],
                EntityType = row["entity_type"],
                EntityId = row["entity_id"],
                StatusCode = int.Parse(row["status_code"]!, System.Globalization.CultureInfo.InvariantCulture),
                PayloadJson = row["payload_json"],
                OccurredAt = Storage.Instants.FromMicroseconds(long.Parse(row["occurred_at"]!, System.Globalization.CultureInfo.InvariantCulture)),
            });
            Assert.Equal(content, row["content_sha256"]);
            Assert.Equal(previous, row["prev_content_sha256"] ?? "");
            var key = new HmacKey(KeyClass.AuditHmac, Convert.FromHexString(ApiHost.AuditKeyHex));
            Assert.Equal(LedgerHash.ChainHmac(key, content, previous), row["chain_hmac"]);
            previous = content;
        }
    }

    [Fact]
    public async Task Rolls_a_change_back_when_its_audit_row_cannot_be_written()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        await api.ExecuteAsync("CREATE TRIGGER refuse BEFORE INSERT ON admin_audit_events BEGIN SELECT RAISE(ABORT, 'full'); END");
        var reply = await api.PatchAsync($"/v1/zones/{zone}", """{"name":"changed"}""");
        Assert.Equal(500, reply.Status);
        Assert.Equal("audit_unavailable", reply.Error);
        Assert.Equal("Pied Piper", (await api.GetAsync($"/v1/zones/{zone}")).Get("name"));
    }

    [Fact]
    public async Task Does_not_chain_what_nobody_authenticated()
    {
        await using var api = await ApiHost.StartAsync();
        await api.PostAsync("/v1/zones", """{"name":"x"}""", token: null);
        Assert.Empty(await api.RowsAsync("SELECT id FROM admin_audit_events"));
    }

    [Fact]
    public async Task Reads_events_redacted_filtered_and_explained()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        await api.ExecuteAsync($$"""
            INSERT INTO audit_events (id, zone_id, event_type, request_id, decision, evaluation_status, determining_policies_json, diagnostics_json,
                                      metadata_json, occurred_at, ingested_at, content_sha256, chain_seq)
            VALUES ('e1', '{{zone}}', 'token_exchange', 'req/1', 'allow', 'complete', '[{"policy":"p1"}]', '[]',
                    '{"application_id":"app-1","session_id":"rec-1","agent_labels":["reader"],"reason":"=1"}', 1767225600000001, 1767225600000002, 'x', 1),
                   ('e2', '{{zone}}', 'token_exchange', 'req/1', 'deny', 'scope_mismatch', '[]', '[]',
                    '{"application_id":"app-1","requested_scopes":["a"],"resource":"resource://r","nested":{"token":"t"} }', 1767225600000002, 1767225600000003, 'y', 2)
            """);
        var list = await api.GetAsync($"/v1/zones/{zone}/audit?application_id=app-1&event_type=token_exchange,run_launch");
        Assert.Equal(["e2", "e1"], list.Json.GetProperty("items").EnumerateArray().Select(row => row.GetProperty("id").GetString()));
        Assert.Contains("\"token\":\"[redacted]\"", list.Text, StringComparison.Ordinal);
        Assert.Contains("\"session_id\":\"[redacted]\"", list.Text, StringComparison.Ordinal);
        Assert.Equal("e1", (await api.GetAsync($"/v1/zones/{zone}/audit?label=reader")).Json.GetProperty("items")[0].GetProperty("id").GetString());
        Assert.Equal("e1", (await api.GetAsync($"/v1/zones/{zone}/audit?authority_record_id=rec-1")).Json.GetProperty("items")[0].GetProperty("id").GetString());
        Assert.Equal("invalid_fields", (await api.GetAsync($"/v1/zones/{zone}/audit?fields=nope")).Error);
        Assert.Equal("invalid_query", (await api.GetAsync($"/v1/zones/{zone}/audit?since=2026-01-01T00:00:00%2B01:00")).Error);
        var csv = await api.GetAsync($"/v1/zones/{zone}/audit?format=csv&fields=id,determining_policies,reason");
        Assert.Equal("id,determining_policies,reason\r\ne2,,\r\ne1,p1,'=1\r\n", csv.Text);
        var byRequest = await api.GetAsync($"/v1/zones/{zone}/audit/by-request/req%2F1");
        Assert.Equal(["e1", "e2"], byRequest.Json.EnumerateArray().Select(row => row.GetProperty("id").GetString()));
        Assert.Equal("request_not_found", (await api.GetAsync($"/v1/zones/{zone}/audit/by-request/other")).Error);
        var explained = await api.GetAsync($"/v1/zones/{zone}/audit/by-request/req%2F1/explain");
        Assert.Equal("deny", explained.Get("final_decision"));
        var denied = explained.Json.GetProperty("denied")[0];
        Assert.Equal("e2", denied.GetProperty("event_id").GetString());
        Assert.Equal("resource://r", denied.GetProperty("policy_input").GetProperty("resource").GetProperty("identifier").GetString());
    }

    [Fact]
    public async Task Explains_a_denial_with_the_lines_of_its_policies()
    {
        await using var api = await ApiHost.StartAsync();
        var zone = await api.ZoneAsync();
        var other = await api.ZoneAsync();
        await api.ExecuteAsync($$$"""
            INSERT INTO policies (id, zone_id, name, created_by, created_at, updated_at) VALUES
                   ('p1', '{{{zone}}}', 'mine', 't', 1, 1), ('p2', '{{{other}}}', 'theirs', 't', 1, 1);
            INSERT INTO policy_versions (id, policy_id, version, content, content_sha256, schema_version, created_by, created_at) VALUES
                   ('pv1', 'p1', 1, 'package caracal.authz' || char(10) || '  late if input.hour > 20', 'x', '2026-05-20', 't', 1),
                   ('pv2', 'p2', 1, 'secret of another zone', 'x', '2026-05-20', 't', 1);
            INSERT INTO audit_events (id, zone_id, event_type, request_id, decision, evaluation_status, determining_policies_json, diagnostics_json,
                                      metadata_json, occurred_at, ingested_at, content_sha256, chain_seq)
            VALUES ('e1', '{{{zone}}}', 'token_exchange', 'req-1', 'deny', 'complete', '[]',
                    '[{"reason":"x"},{"explain":{"rules":[{"rule":"data.caracal.authz.late","file":"pv1","line":2,"held":false,"failed_line":2},{"rule":"r","file":"pv2","line":1,"held":true},{"rule":"c","file":"{{{Caracal.Authority.DecisionContract.DecisionContractModule.FileName}}}","line":3,"held":true},{"rule":"z","file":"pv1","line":99,"held":true}]}}]',
                    '{}', 1767225600000001, 1767225600000002, 'x', 1),
                   ('e2', '{{{zone}}}', 'token_exchange', 'req-1', 'deny', 'complete', '[]',
                    '[{"explain":{"rules":[{"rule":"forged","file":"pv1","line":1,"held":true}]}},{"reason":"x"}]', '{}', 1767225600000002, 1767225600000003, 'y', 2)
            """);
        var explained = await api.GetAsync($"/v1/zones/{zone}/audit/by-request/req-1/explain");
        var rules = explained.Json.GetProperty("denied")[0].GetProperty("explanation").EnumerateArray().ToList();
        Assert.Equal("late if input.hour > 20", rules[0].GetProperty("source").GetString());
        Assert.Equal("late if input.hour > 20", rules[0].GetProperty("failed_source").GetString());
        Assert.False(rules[1].TryGetProperty("source", out _), "the text of another zone");
        Assert.Equal("package caracal.authz", rules[2].GetProperty("source").GetString());
        Assert.False(rules[3].TryGetProperty("source", out _), "a line that is not there");
        Assert.Equal(System.Text.Json.JsonValueKind.Null, explained.Json.GetProperty("denied")[1].GetProperty("explanation").ValueKind);
    }

    private static string? Kind(System.Text.Json.JsonElement row) =>
        row.GetProperty("payload_json").TryGetProperty("change_kind", out var kind) ? kind.GetString() : null;
}
