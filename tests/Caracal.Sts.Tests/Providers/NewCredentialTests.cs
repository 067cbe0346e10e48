using Caracal.Sts.Tests.Servers;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Providers;

/// <summary>A provider's second credential as the STS meets it: one at a time, with its own public fields, counted while it is new.</summary>
public sealed class NewCredentialTests
{
    private const string Kind = "oauth2_client_credentials";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_refused_client_credential_is_counted_and_the_next_one_starts_with_no_failures(Engine engine)
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StsHarness.StartAsync(engine, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", "not-the-secret"));
        await ObserveAsync(sts, 2, TimeSpan.FromMinutes(10));
        for (var i = 0; i < 5; i++) Assert.Equal(502, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Equal(("5", "5"), await CountsAsync(sts, 2));
        var asked = idp.Requests;
        Assert.Equal(502, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Equal(asked, idp.Requests); // left alone, after five failures

        // Another credential, as a fall-back puts it in use: it is asked for at once.
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        await ObserveAsync(sts, 3, null);
        Assert.Equal(200, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Equal((null, null), await CountsAsync(sts, 3));
    }

    [Fact]
    public async Task The_gateway_is_told_which_credential_it_holds_only_while_it_is_new()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, "bearer_token", null, ("bearer_token", "first"));
        await sts.SqlAsync("UPDATE providers SET config_json = '{}' WHERE id = 'prov-oauth'", new { });
        var before = OAuthProvider.Directive(await OAuthProvider.CallAsync(sts));
        Assert.Equal("first", before.GetProperty("provider_token").GetString());
        Assert.False(before.TryGetProperty("credential_version", out _));
        await ObserveAsync(sts, 2, TimeSpan.FromMinutes(10));
        var observed = OAuthProvider.Directive(await OAuthProvider.CallAsync(sts));
        Assert.Equal(2, observed.GetProperty("credential_version").GetInt64());
        Assert.InRange(observed.GetProperty("credential_observed_until").GetInt64() - DateTimeOffset.UtcNow.ToUnixTimeSeconds(), 590, 601);
    }

    [Fact]
    public async Task What_upstreams_say_to_an_oauth_token_is_not_counted_against_the_client()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        await ObserveAsync(sts, 2, TimeSpan.FromMinutes(10));
        var directive = OAuthProvider.Directive(await OAuthProvider.CallAsync(sts));
        Assert.False(directive.TryGetProperty("credential_version", out _));
        Assert.Equal(("1", null), await CountsAsync(sts, 2)); // the token endpoint's answer is
    }

    [Theory]
    [InlineData("credential-watch:", 200)]
    [InlineData("provider-refresh-failures:", 503)]
    public async Task A_refresh_token_that_can_be_had_once_is_kept_though_nothing_can_be_counted(string away, int status)
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.RotatesRefreshTokens = true;
        await using var sts = await StsHarness.StartAsync(Engine.Sqlite, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, "oauth2_authorization_code", null, ("client_secret", OAuthServer.ClientSecret));
        await ObserveAsync(sts, 2, TimeSpan.FromMinutes(10));
        var id = await OAuthProvider.ConnectAsync(sts, "app-p", "at-old", idp.NewRefreshToken(), DateTimeOffset.UtcNow.AddSeconds(-5));
        sts.State.Away = away;
        Assert.Equal(status, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Equal(1L, await sts.ScalarAsync<long>("SELECT refresh_token_version FROM provider_connections WHERE id = @id", new { id }));
        sts.State.Away = null;
        Assert.Equal("at-1", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        Assert.Equal(1, idp.Requests);
    }

    private static Task ObserveAsync(StsHarness sts, long version, TimeSpan? time) => sts.SqlAsync(
        "UPDATE providers SET credential_version = @version, credential_observed_until = @until WHERE id = 'prov-oauth'",
        new { version, until = time is { } window ? DateTimeOffset.UtcNow + window : (DateTimeOffset?)null });

    private static async Task<(string? Answers, string? Refusals)> CountsAsync(StsHarness sts, int version) => (
        await sts.State.GetAsync($"credential-watch:prov-oauth:{version}:answers", CancellationToken.None),
        await sts.State.GetAsync($"credential-watch:prov-oauth:{version}:refusals", CancellationToken.None));
}
