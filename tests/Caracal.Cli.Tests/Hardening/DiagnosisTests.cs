using Caracal.Cli.Hardening;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>What the two commands say of deployments whose services do not fit each other.</summary>
public sealed class DiagnosisTests
{
    [Theory]
    [Trait("requirement", "R29 (D-KEY-2)")]
    [Trait("requirement", "R30 (D-KEY-3)")]
    [Trait("requirement", "R31 (D-KEY-4)")]
    [InlineData("audit-hmac", "D-KEY-2", "AUDIT")]
    [InlineData("streams-hmac", "D-KEY-3", "COORDINATOR")]
    [InlineData("gateway-sts-hmac", "D-KEY-4", "GATEWAY")]
    public async Task Doctor_names_the_services_whose_keys_differ(string classId, string check, string other)
    {
        using var deployment = new GoodDeployment();
        using var one = ForeignServer.Http(Keys(classId, "sid_1111111111111111"));
        using var another = ForeignServer.Http(Keys(classId, "sid_2222222222222222"));
        foreach (var name in (string[])["API", "STS", "GATEWAY", "AUDIT", "COORDINATOR"])
        {
            deployment.Set($"CARACAL_{name}_URL", name == other ? another.Url : one.Url);
        }

        var (exit, output, _) = await deployment.Running.RunAsync("doctor");

        Assert.Equal(1, exit);
        var line = Assert.Single(output.Split('\n'), line => line.Contains(check, StringComparison.Ordinal));
        Assert.Contains("fail", line, StringComparison.Ordinal);
        Assert.Contains($"{other.ToLowerInvariant()} has sid_2222222222222222", line, StringComparison.Ordinal);
        Assert.Contains("sts has sid_1111111111111111", line, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("requirement", "R28 (D-KEY-1)")]
    [InlineData("https://sts.example", "k2,k1", "ok", "issuer https://sts.example; zone z1: 2 keys listed, signing for 2 d, the key before until 2026-11-28 12:00:00Z, known to 1 of 1 Gateways, fetched 7 s ago")]
    [InlineData("https://other.example", "k2,k1", "fail", "the STS writes the issuer https://sts.example, ISSUER_URL is https://other.example")]
    [InlineData("https://sts.example", "k1", "fail", "the JWKS of zone z1 does not list its active key k2")]
    [InlineData("https://sts.example", null, "fail", "the STS answers 404 to /.well-known/jwks.json of zone z1")]
    public async Task Doctor_tells_why_a_jwks_is_rejected_after_a_rotation(string issuer, string? listed, string status, string says)
    {
        using var deployment = new GoodDeployment();
        var since = TimeProvider.System.GetUtcNow().AddDays(-2).ToString("O");
        using var services = ForeignServer.Http(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["/v1/zones"] = """{"items":[{"id":"z1"}],"next_cursor":null}""",
            ["/v1/zones/z1/keys"] = $$"""
                [{"kid":"k2","state":"active","activates_at":"{{since}}"},{"kid":"k1","state":"previous","retires_at":"2026-11-28T12:00:00Z"},
                 {"kid":"k0","state":"retired"}]
                """,
            ["/.well-known/oauth-authorization-server/z1"] = """{"issuer":"https://sts.example"}""",
            ["/.well-known/jwks.json"] = listed is null ? null : $$"""{"keys":[{{string.Join(',', listed.Split(',').Select(kid => $$"""{"kid":"{{kid}}"}"""))}}]}""",
            ["/internal/zones/z1/keys/k1"] = """{"found":true,"age_seconds":7}""",
            ["/internal/zones/z1/keys/k2"] = """{"found":true,"age_seconds":7}""",
        });
        deployment.Set("CARACAL_GATEWAY_URL", services.Url);
        deployment.Set("CARACAL_API_URL", services.Url);
        deployment.Set("CARACAL_STS_URL", services.Url);
        deployment.Set("STS__ISSUER_URL", issuer);

        var (_, output, _) = await deployment.Running.RunAsync("doctor");

        var line = Assert.Single(output.Split('\n'), line => line.Contains("D-KEY-1", StringComparison.Ordinal));
        Assert.Contains(status, line, StringComparison.Ordinal);
        Assert.Contains(says, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stable", "ok", "stable everywhere")]
    [InlineData("dev", "fail", "the running sts runs in dev")]
    [InlineData("rc", "fail", "do not agree")]
    public async Task A_running_service_in_another_mode_than_the_variables_fails(string mode, string status, string says)
    {
        using var sts = ForeignServer.Http("{\"service\":\"sts\",\"mode\":\"" + mode + "\"}");
        using var deployment = new GoodDeployment();
        deployment.Set("CARACAL_STS_URL", sts.Url);

        var found = await deployment.CheckAsync("H-MODE-1");

        Assert.Equal(status, found.Status);
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("requirement", "R147")]
    [InlineData(22, "fail", "gateway at 127.0.0.1 accepts TLS 1.1")] // it goes on with the handshake
    [InlineData(21, "ok", "TLS 1.1 is refused")] // an alert
    public async Task An_edge_that_accepts_old_tls_fails(int record, string status, string says)
    {
        using var edge = ForeignServer.Raw((byte)record, 3, 2, 0, 2);
        using var deployment = new GoodDeployment();
        Assert.False((await deployment.CheckAsync("H-TLS-5")).Evaluated);
        deployment.Set("CARACAL_GATEWAY_URL", $"https://127.0.0.1:{edge.Port}");

        var found = await deployment.CheckAsync("H-TLS-5");

        Assert.Equal(status, found.Status);
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("requirement", "R57 (H-TLS-4)")]
    [Trait("requirement", "R74 (H-KEY-2)")]
    [Trait("requirement", "R77 (H-KEY-3)")]
    [Trait("requirement", "R92 (H-NET-5)")]
    [Trait("requirement", "R105 (H-PG-1)")]
    [Trait("requirement", "R149 (H-ADM-3)")]
    [InlineData("H-TLS-4", "exposes every token")]
    [InlineData("H-KEY-2", "forged")]
    [InlineData("H-KEY-3", "forged")]
    [InlineData("H-PG-1", "travel")]
    [InlineData("H-NET-5", "brute force")]
    [InlineData("H-ADM-3", "excess authority")]
    public void A_consequence_says_what_an_attacker_gains(string id, string says)
    {
        var check = Assert.Single(CheckList.All, check => check.Id == id);
        Assert.Contains(says, check.Consequence, StringComparison.Ordinal);
    }

    private static string Keys(string classId, string sid) =>
        "{\"service\":\"x\",\"instance\":\"x-1\",\"classes\":{\"" + classId + "\":{\"current\":\"" + sid + "\",\"next\":null,\"previous\":[],\"source\":\"file\"}}}";
}
