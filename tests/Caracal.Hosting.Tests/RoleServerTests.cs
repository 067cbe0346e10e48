using System.Net;
using System.Text.Json;
using Caracal.Hosting.Http;
using Caracal.Hosting.Logging;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Tests;

public sealed class RoleServerTests : IAsyncLifetime
{
    private readonly StringWriter _log = new();
    private readonly HttpClient _client = new();
    private RoleServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = RoleServer.Create(
            new RoleServerOptions
            {
                Role = "sts",
                Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 },
                RequestIdRule = RequestIdRule.PathId,
                MaximumBodySize = 100,
            },
            new JsonLineLogging(_log, LogLevel.Information, "1.0.0", "test"));
        _server.Application.MapGet("/throw", _ => throw new InvalidOperationException("secret Bearer abc.def.ghi"));
        _server.Application.MapPost("/read", async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            await body.ReadToEndAsync();
        });
        await _server.StartAsync(CancellationToken.None);
    }

    [Fact]
    public async Task A_handler_that_throws_answers_500_without_saying_why_and_the_log_is_redacted()
    {
        using var response = await _client.GetAsync(_server.Address + "/throw");
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        var body = await response.Content.ReadAsStringAsync();
        Assert.Equal("internal_error", JsonDocument.Parse(body).RootElement.GetProperty("error").GetString());
        Assert.DoesNotContain("secret", body, StringComparison.Ordinal);
        Assert.Contains("unhandled_fault", _log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("abc.def", _log.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abc-1", true)]
    [InlineData("bad value", false)]
    public async Task A_request_id_is_echoed_only_when_the_rule_allows_it(string id, bool echoed)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Address + "/nothing");
        request.Headers.TryAddWithoutValidation("X-Request-Id", id);
        using var response = await _client.SendAsync(request);
        Assert.Equal(echoed, response.Headers.GetValues("X-Request-Id").Single() == id);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413()
    {
        using var response = await _client.PostAsync(_server.Address + "/read", new StringContent(new string('x', 101)));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task Headers_over_the_limit_are_431()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _server.Address + "/nothing");
        request.Headers.TryAddWithoutValidation("X-Large", new string('x', 17_000));
        using var response = await _client.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, response.StatusCode);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(CancellationToken.None);
        await _server.DisposeAsync();
        _client.Dispose();
        await _log.DisposeAsync();
    }
}
