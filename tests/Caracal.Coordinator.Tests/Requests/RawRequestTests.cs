using System.Net.Sockets;
using System.Text;
using Caracal.Coordinator.Tests.Support;

namespace Caracal.Coordinator.Tests.Requests;

/// <summary>What no polite client sends.</summary>
public sealed class RawRequestTests
{
    [Theory]
    [InlineData("Idempotency-Key: a\r\nIdempotency-Key: b\r\n", "idempotency_key_multiple")]
    [InlineData("Idempotency-Key: \r\n", "idempotency_key_invalid")]
    public async Task Refuses_keys_no_client_library_can_send(string headers, string code)
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        const string Body = """{"application_id":"app1"}""";
        var answer = await SendAsync(coordinator,
            $"POST /zones/z1/agents HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {coordinator.App1}\r\n{headers}Content-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}");
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Contains($"\"error\":\"{code}\"", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keeps_an_encoded_slash_inside_its_id()
    {
        await using var coordinator = await TestCoordinator.StartAsync();
        var answer = await SendAsync(coordinator,
            $"GET /zones/z1%2Fagents HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {coordinator.App1}\r\n\r\n");
        Assert.Contains("Route GET:/zones/z1%2Fagents not found", answer, StringComparison.Ordinal);
    }

    private static async Task<string> SendAsync(TestCoordinator coordinator, string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", coordinator.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request));
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync();
    }
}
