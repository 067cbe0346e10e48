using System.Text.Json;
using Caracal.Hosting.Logging;
using Caracal.Hosting.Metrics;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Tests.Logging;

public sealed class JsonLineLoggingTests
{
    [Theory]
    [InlineData("session", "***")]
    [InlineData("SessionState", "***")]
    [InlineData("session_cookie", "***")]
    [InlineData("SessionId", "s-1")]
    [InlineData("agent_session_id", "s-1")]
    [InlineData("SessionIds", "s-1")]
    [InlineData("session_count", "s-1")]
    [InlineData("client_secret", "***")]
    [InlineData("hmac_key_id", "s-1")]
    [InlineData("zone", "s-1")]
    public void Fields_that_describe_a_session_are_hidden_and_its_id_is_not(string name, string written)
    {
        using var output = new StringWriter();
        var log = new JsonLineLogging(output, LogLevel.Debug, "test", "test").CreateLogger("sts");
        log.Log(LogLevel.Information, default, (IReadOnlyList<KeyValuePair<string, object?>>)[new(name, "s-1")], null, (_, _) => "line");
        using var line = JsonDocument.Parse(output.ToString());
        Assert.Equal(written, line.RootElement.GetProperty(JsonNamingPolicy.SnakeCaseLower.ConvertName(name)).GetString());
    }

    [Fact]
    public void A_line_that_the_output_does_not_take_is_counted_and_fails_nobody()
    {
        using var output = new FullDisk();
        var lines = new JsonLineLogging(output, LogLevel.Debug, "test", "test");
        var metrics = new MetricsRegistry();
        LogFigures.Show(metrics, lines);
        ServiceLog.ShuttingDown(lines.CreateLogger("sts"), "sts");
        output.HasRoom = true;
        ServiceLog.ShuttingDown(lines.CreateLogger("sts"), "sts");
        ServiceLog.ShuttingDown(lines.CreateLogger("sts"), "sts");
        var text = metrics.ToText();
        Assert.Contains("# TYPE caracal_log_emitted_total counter\ncaracal_log_emitted_total 2\n", text, StringComparison.Ordinal);
        Assert.Contains("caracal_log_dropped_total 1\n", text, StringComparison.Ordinal);
        Assert.Contains("caracal_log_sampled_total 0\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_message_that_nobody_known_has_signed_is_an_event_of_its_own()
    {
        using var output = new StringWriter();
        var log = new JsonLineLogging(output, LogLevel.Debug, "test", "test").CreateLogger("sts");
        ServiceLog.StreamMessageRefused(log, "caracal.sessions.revoke", "1-0", ServiceLog.SignatureInvalid);
        ServiceLog.StreamMessageRefused(log, "caracal.sessions.revoke", "2-0", "missing zone_id");
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(
            [("stream_signature_invalid", "error", "1-0"), ("stream_message_refused", "warn", "2-0")],
            lines.Select(line => (line.GetProperty("event").GetString(), line.GetProperty("level").GetString(), line.GetProperty("entry_id").GetString())));
    }

    private sealed class FullDisk : StringWriter
    {
        public bool HasRoom { get; set; }

        public override void WriteLine(string? value)
        {
            if (!HasRoom) throw new IOException("no space left");
            base.WriteLine(value);
        }
    }
}
