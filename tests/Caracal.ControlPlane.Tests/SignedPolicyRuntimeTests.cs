using System.Net;
using System.Text;
using Caracal.ControlPlane.PolicyRuntime;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol.PolicyRuntime;

namespace Caracal.ControlPlane.Tests;

public sealed class SignedPolicyRuntimeTests
{
    private static readonly HmacKeyRing Keys = HmacKeyRing.Of(KeyClass.GatewayStsHmac, Convert.FromHexString(ApiHost.AuditKeyHex));

    [Fact]
    public void Signs_the_requests_of_the_specification()
    {
        const string nonce = "0198c1d2-0000-7000-8000-0000000000dd";
        Assert.Equal(
            "98284888f71ef138ce41bfc5f845ae63bb6c8210bdc04b405e59d643e3d77013",
            GatewaySignature.Sign(Keys, "1767225600", nonce, "GET", "/internal/policy/status/zone-1", []));
        Assert.Equal(
            "f13d6dc52733cc0cf1e0eca8b4c940d194e9d8fdeb468aeac3088425dd893ca9",
            GatewaySignature.Sign(Keys, "1767225600", nonce, "POST", "/internal/policy/simulate", "{\"policy_set_id\":\"ps1\"}"u8));
    }

    [Fact]
    public async Task Sends_a_signature_the_sts_accepts_and_reads_its_result()
    {
        using var sts = new Sts(HttpStatusCode.OK, """{"policy_set_id":"ps","result":{"decision":"allow"}}""");
        var outcome = await sts.Runtime.SimulateAsync(Simulation, CancellationToken.None);
        Assert.Equal(SimulationVerdict.Executed, outcome.Verdict);
        Assert.Equal("""{"decision":"allow"}""", outcome.ResultJson);
        Assert.Equal(GatewayVerdict.Accepted, sts.Verdict);
        Assert.Contains("\"policies\":[{\"id\":\"v1\",\"content\":\"x\"}],\"input\":{}", sts.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.UnprocessableEntity, """{"error":"policy_eval_failed","error_description":"1:1: no"}""", SimulationVerdict.Rejected, "1:1: no")]
    [InlineData(HttpStatusCode.UnprocessableEntity, """{"error":"policy_eval_failed","detail":"old"}""", SimulationVerdict.Rejected, "old")]
    [InlineData(HttpStatusCode.BadRequest, """{"error":"bad"}""", SimulationVerdict.Rejected, "bad")]
    [InlineData(HttpStatusCode.Unauthorized, "{}", SimulationVerdict.Unreachable, "status 401")]
    [InlineData(HttpStatusCode.TooManyRequests, "{}", SimulationVerdict.Unreachable, "status 429")]
    [InlineData(HttpStatusCode.BadGateway, "oops", SimulationVerdict.Unreachable, "status 502")]
    [InlineData(HttpStatusCode.OK, "oops", SimulationVerdict.Unreachable, "invalid response")]
    [InlineData(HttpStatusCode.OK, "{}", SimulationVerdict.Unreachable, "invalid response")]
    public async Task Tells_a_rejected_bundle_from_an_sts_that_cannot_answer(HttpStatusCode status, string answer, SimulationVerdict verdict, string reason)
    {
        using var sts = new Sts(status, answer);
        var outcome = await sts.Runtime.SimulateAsync(Simulation, CancellationToken.None);
        Assert.Equal(verdict, outcome.Verdict);
        Assert.Equal(reason, outcome.Reason);
    }

    [Fact]
    public async Task Reads_what_the_sts_has_loaded()
    {
        using var sts = new Sts(HttpStatusCode.OK, """{"zone_id":"z","loaded":true,"policy_set_version_id":"v","manifest_sha256":"m","loaded_at":"2026-01-01T00:00:00Z","age_seconds":2.5}""");
        var outcome = await sts.Runtime.StatusAsync("z", CancellationToken.None);
        Assert.Equal(StatusVerdict.Known, outcome.Verdict);
        Assert.Equal("v", outcome.Status!.PolicySetVersionId);
        Assert.Equal(2, outcome.Status.AgeSeconds);
        Assert.Equal(GatewayVerdict.Accepted, sts.Verdict);
    }

    private static PolicySimulation Simulation => new("ps", "psv", "sha", [new PolicySource("v1", "x")], "{}");

    /// <summary>An HTTP peer that checks signatures as the STS does.</summary>
    private sealed class Sts : HttpMessageHandler
    {
        private readonly HttpStatusCode _status;
        private readonly string _answer;
        private readonly HttpClient _http;

        public Sts(HttpStatusCode status, string answer)
        {
            _status = status;
            _answer = answer;
            _http = new HttpClient(this, disposeHandler: false);
            Runtime = new SignedPolicyRuntime(_http, "http://sts.example/", Keys, TimeProvider.System);
        }

        public SignedPolicyRuntime Runtime { get; }

        public GatewayVerdict Verdict { get; private set; }

        public string Body { get; private set; } = "";

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
            Verdict = GatewaySignature.Verify(
                Keys,
                request.Headers.GetValues(GatewaySignature.TimestampHeader).Single(),
                request.Headers.GetValues(GatewaySignature.NonceHeader).Single(),
                request.Method.Method,
                request.RequestUri!.AbsolutePath,
                Encoding.UTF8.GetBytes(Body),
                request.Headers.GetValues(GatewaySignature.SignatureHeader).Single(),
                DateTimeOffset.UtcNow,
                out _);
            return new HttpResponseMessage(_status) { Content = new StringContent(_answer) };
        }

        protected override void Dispose(bool disposing)
        {
            _http.Dispose();
            base.Dispose(disposing);
        }
    }
}
