using System.Net;
using System.Security.Cryptography;
using Caracal.Evidence.Ledger;
using Caracal.Evidence.Receipts;
using Caracal.Gateway.Tests.Support;
using Caracal.Keys.Rings;
using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Service;

public sealed class ReceiptTests : IAsyncLifetime
{
    private static readonly HmacKeyRing Keys = HmacKeyRing.Of(KeyClass.AuditHmac, RandomNumberGenerator.GetBytes(32));

    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await GatewayHost.StartAsync(settings => settings with { GivesReceipts = true, AuditKeys = Keys });

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task An_answer_names_its_event_and_what_the_ledger_will_hold_of_it()
    {
        using var answer = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await HoldsAsync(Of(answer), "gateway_resource_request");
    }

    [Fact]
    public async Task A_failed_call_and_a_replay_have_receipts_of_their_own_events()
    {
        var mandate = _host.Mandate();
        using var first = await _host.SendAsync(_host.Request(bearer: mandate));
        using var replay = await _host.SendAsync(_host.Request(bearer: mandate));
        Assert.Equal(HttpStatusCode.Unauthorized, replay.StatusCode);
        await HoldsAsync(Of(replay), "replay_detected");

        _host.Sts.Directive["url"] = "http://0.0.0.0/";
        using var failed = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.BadGateway, failed.StatusCode);
        await HoldsAsync(Of(failed), "gateway_resource_request");
    }

    [Fact]
    public async Task An_answer_that_streams_names_its_event_at_once_and_its_content_at_the_end()
    {
        var go = new TaskCompletionSource();
        _host.Upstream.Answer = async http =>
        {
            await http.Response.WriteAsync("first");
            await http.Response.Body.FlushAsync();
            await go.Task;
            await http.Response.WriteAsync("last");
        };

        using var answer = await _host.SendAsync(_host.Request());
        var promise = Of(answer);
        Assert.Equal((null, true), (promise.ContentSha256, promise.IsVouchedFor(Keys)));
        Assert.Empty(_host.Audit.Events);
        go.SetResult();
        Assert.Equal("firstlast", await answer.Content.ReadAsStringAsync());

        var whole = Receipt.Parse(answer.TrailingHeaders.GetValues(CaracalHeaders.Receipt).Single())!;
        Assert.Equal(promise.EventId, whole.EventId);
        await HoldsAsync(whole, "gateway_resource_request");
    }

    [Fact]
    public async Task An_upstream_cannot_give_receipts_and_without_the_setting_nobody_does()
    {
        await using var host = await GatewayHost.StartAsync();
        host.Upstream.Answer = http =>
        {
            http.Response.Headers[CaracalHeaders.Receipt] = "zone=\"z1\", event=\"e1\"";
            return Task.CompletedTask;
        };
        using var answer = await host.SendAsync(host.Request());
        Assert.False(answer.Headers.Contains(CaracalHeaders.Receipt));
        Assert.Equal([CaracalHeaders.Revoked], answer.Headers.Trailer);
    }

    private static Receipt Of(HttpResponseMessage answer) => Receipt.Parse(answer.Headers.GetValues(CaracalHeaders.Receipt).Single())!;

    // What was recorded, taken in as Audit takes it, gives the receipt's content.
    private async Task HoldsAsync(Receipt receipt, string type)
    {
        var recorded = (await _host.EventsAsync()).Single(e => e.GetProperty("id").GetString() == receipt.EventId);
        Assert.Equal((type, receipt.ZoneId, true), (recorded.GetProperty("event_type").GetString(), recorded.GetProperty("zone_id").GetString(), receipt.IsVouchedFor(Keys)));
        Assert.Equal(LedgerHash.Content(IngestParser.Parse(System.Text.Encoding.UTF8.GetBytes(recorded.GetRawText()))), receipt.ContentSha256);
    }
}
