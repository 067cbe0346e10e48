using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Caracal.Gateway.Tests.Support;

namespace Caracal.Gateway.Tests.Mcp;

/// <summary>Bodies that do not come, and more of them than the Gateway holds, over sockets of their own.</summary>
public sealed class HeldBodyTests
{
    private const string Ping = """{"jsonrpc":"2.0","id":1,"method":"ping"}""";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    [Theory]
    [InlineData("Content-Length: 1048576", "")]
    [InlineData("Content-Length: 1048576", "{")]
    [InlineData("Transfer-Encoding: chunked", "1\r\n{\r\n")]
    public async Task A_body_that_does_not_come_is_given_up_and_the_mandate_is_not_spent(string length, string begun)
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { ReadTimeout = TimeSpan.FromMilliseconds(500) });
        var bearer = host.Mandate();
        using var stalled = await BeginAsync(host, bearer, length, begun);
        var answer = await ReadToEndAsync(stalled);

        Assert.StartsWith("HTTP/1.1 408 ", answer, StringComparison.Ordinal);
        Assert.Contains("\"error\":\"request_timeout\"", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(host.Sts.Exchanges);
        Assert.Equal(200, await PingAsync(host, bearer));
    }

    [Fact]
    public async Task A_body_that_drips_has_no_more_time_than_one_that_stalls()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { ReadTimeout = TimeSpan.FromMilliseconds(500) });
        using var dripping = await BeginAsync(host, host.Mandate(), "Content-Length: 1048576", "");
        var answer = ReadToEndAsync(dripping);
        var started = Stopwatch.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        try
        {
            while (!answer.IsCompleted && Stopwatch.GetElapsedTime(started) < Patience && await tick.WaitForNextTickAsync())
            {
                await dripping.GetStream().WriteAsync("x"u8.ToArray());
            }
        }
        catch (IOException)
        {
            // The Gateway closed first.
        }

        Assert.True(Stopwatch.GetElapsedTime(started) < Patience);
    }

    [Fact]
    public async Task What_is_only_claimed_takes_nothing_of_the_budget()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { MaxMcpMessageBytes = 8192, MaxHeldMcpBytes = 16384 });
        var claims = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => BeginAsync(host, host.Mandate(), "Content-Length: 8192", "")));
        Assert.Equal(200, await PingAsync(host));
        Array.ForEach(claims, claim => claim.Dispose());
    }

    [Fact]
    public async Task Bodies_beyond_the_budget_are_refused_until_others_are_gone_and_the_mandate_is_not_spent()
    {
        await using var host = await GatewayHost.StartAsync(settings => settings with { MaxMcpMessageBytes = 8192, MaxHeldMcpBytes = 16384 });
        var held = new List<TcpClient>();
        while (await PingAsync(host) != 503)
        {
            Assert.True(held.Count < 50);
            held.Add(await BeginAsync(host, host.Mandate(), "Content-Length: 4096", "{"));
            await Task.Delay(20); // Time for its first byte; a ping that is quicker is followed by another.
        }

        var bearer = host.Mandate();
        using (var refused = await BeginAsync(host, bearer, $"Content-Length: {Ping.Length}", Ping))
        {
            var answer = await ReadToEndAsync(refused);
            Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
            Assert.Contains("Retry-After: 1", answer, StringComparison.OrdinalIgnoreCase);
            Assert.Contains("\"error\":\"mcp_messages_full\"", answer, StringComparison.Ordinal);
        }

        held.ForEach(one => one.Dispose());
        await GatewayHost.UntilAsync(async () => await PingAsync(host, bearer) == 200);
        for (var call = 0; call < 8; call++) Assert.Equal(200, await PingAsync(host));
    }

    private static async Task<TcpClient> BeginAsync(GatewayHost host, string bearer, string length, string begun)
    {
        var url = new Uri(host.Address);
        var client = new TcpClient();
        await client.ConnectAsync(url.Host, url.Port);
        string[] head =
        [
            "POST /mcp HTTP/1.1", $"Host: {url.Authority}", $"Authorization: Bearer {bearer}", $"{Protocol.CaracalHeaders.Resource}: {GatewayHost.Resource}",
            "Mcp-Method: ping", "Content-Type: application/json", length, "", begun,
        ];
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(string.Join("\r\n", head)));
        return client;
    }

    // Ends only when the Gateway closes the connection; after a chunked body it waits five seconds for the end, and resets.
    private static async Task<string> ReadToEndAsync(TcpClient client)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var answer = new MemoryStream();
        try
        {
            await client.GetStream().CopyToAsync(answer, patience.Token);
        }
        catch (IOException) when (answer.Length > 0)
        {
            // What came before counts.
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }

    private static async Task<int> PingAsync(GatewayHost host, string? bearer = null)
    {
        using var request = host.Request("/mcp", bearer, HttpMethod.Post);
        request.Content = new StringContent(Ping, Encoding.UTF8, "application/json");
        request.Headers.TryAddWithoutValidation("Mcp-Method", "ping");
        using var response = await host.SendAsync(request);
        return (int)response.StatusCode;
    }
}
