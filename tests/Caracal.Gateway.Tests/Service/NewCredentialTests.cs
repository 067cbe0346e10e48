using System.Net;
using Caracal.Gateway.Tests.Support;

namespace Caracal.Gateway.Tests.Service;

/// <summary>While a provider's credential is new, what upstreams say to it is counted; at no other time.</summary>
public sealed class NewCredentialTests : IAsyncLifetime
{
    private GatewayHost _host = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await GatewayHost.StartAsync();
        foreach (var (name, value) in (IEnumerable<(string, object)>)[("auth_mode", "provider_oauth"), ("auth_header", "Authorization"), ("auth_scheme", "Bearer"), ("provider_token", "s3cret"), ("provider_id", "p1")])
        {
            _host.Sts.Directive[name] = value;
        }
    }

    public async ValueTask DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Counts_answers_and_among_them_refusals_of_the_credential()
    {
        Watch(version: 2, seconds: 600);
        foreach (var status in (int[])[200, 401, 403, 404, 500]) await CallAsync(status);
        Assert.Equal(("5", "1"), await CountsAsync(2));
    }

    [Fact]
    public async Task Counts_nothing_of_a_credential_that_is_not_new()
    {
        await CallAsync(401);
        Watch(version: 2, seconds: -1);
        await CallAsync(401);
        Assert.Equal((null, null), await CountsAsync(2));
    }

    [Fact]
    public async Task Answers_though_it_cannot_count()
    {
        Watch(version: 2, seconds: 600);
        _host.Upstream.Answer = http =>
        {
            _host.State.Down = true; // away after the mandate was spent
            http.Response.StatusCode = 401;
            return Task.CompletedTask;
        };
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Contains("credential_uncounted", _host.Log.ToString(), StringComparison.Ordinal);
    }

    private void Watch(long version, int seconds)
    {
        _host.Sts.Directive["credential_version"] = version;
        _host.Sts.Directive["credential_observed_until"] = _host.Time.GetUtcNow().ToUnixTimeSeconds() + seconds;
    }

    private async Task CallAsync(int status)
    {
        _host.Upstream.Answer = http =>
        {
            http.Response.StatusCode = status;
            return Task.CompletedTask;
        };
        using var response = await _host.SendAsync(_host.Request());
        Assert.Equal(status, (int)response.StatusCode);
    }

    private async Task<(string? Answers, string? Refusals)> CountsAsync(int version) => (
        await _host.State.GetAsync($"credential-watch:p1:{version}:answers", CancellationToken.None),
        await _host.State.GetAsync($"credential-watch:p1:{version}:refusals", CancellationToken.None));
}
