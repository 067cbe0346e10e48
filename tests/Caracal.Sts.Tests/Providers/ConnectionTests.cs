using Caracal.Sts.Tests.Servers;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.Providers;

/// <summary>sts.md 9.3 and 2.2 step 8: what a person consented to, for whom, and for how long.</summary>
public sealed class ConnectionTests
{
    private const string Kind = "oauth2_authorization_code";

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task The_users_own_connection_wins_over_the_shared_one(Engine engine)
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(idp, engine);
        Assert.Equal((403, "access_denied"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Contains(
            await sts.EventsAsync(),
            e => e.GetProperty("evaluation_status").GetString() == "credential_not_provisioned"
                && e.GetProperty("metadata_json").GetProperty("reason").GetString() == "no_provider_connection");
        await OAuthProvider.ConnectAsync(sts, "caracal:shared", "at-shared", null, null);
        Assert.Equal("at-shared", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        var id = await OAuthProvider.ConnectAsync(sts, "app-p", "at-own", null, DateTimeOffset.UtcNow.AddHours(1));
        var answer = await OAuthProvider.CallAsync(sts);
        Assert.Equal(("at-own", id), (OAuthProvider.Token(answer), OAuthProvider.Directive(answer).GetProperty("connection_id").GetString()));
        await sts.SqlAsync("UPDATE authority_records SET session_type = 'user', subject_id = 'ann' WHERE id IN (SELECT subject_authority_record_id FROM sessions)");
        await OAuthProvider.ConnectAsync(sts, "ann", "at-ann", null, null);
        Assert.Equal("at-ann", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        await sts.SqlAsync("UPDATE provider_connections SET status = 'revoked', access_token_ct = NULL WHERE subject_id IN ('ann', 'caracal:shared')");
        Assert.Equal(403, (await OAuthProvider.CallAsync(sts)).Status);
        Assert.Equal(0, idp.Requests);
    }

    [Theory]
    [InlineData(Engine.Sqlite, true)]
    [InlineData(Engine.Postgres, true)]
    [InlineData(Engine.Sqlite, false)]
    public async Task A_token_about_to_end_is_refreshed_once_for_all_and_sealed_again(Engine engine, bool rotates)
    {
        await using var idp = await OAuthServer.StartAsync();
        idp.RotatesRefreshTokens = rotates;
        idp.Delay = TimeSpan.FromMilliseconds(150);
        await using var sts = await StartAsync(idp, engine);
        var id = await OAuthProvider.ConnectAsync(sts, "app-p", "at-old", idp.NewRefreshToken(), DateTimeOffset.UtcNow.AddSeconds(20));
        var before = await sts.ScalarAsync<byte[]>("SELECT refresh_token_ct FROM provider_connections WHERE id = @id", new { id });
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => OAuthProvider.CallAsync(sts)));
        Assert.All(answers, answer => Assert.Equal("at-1", OAuthProvider.Token(answer)));
        Assert.Equal(1, idp.Requests);
        Assert.Equal("at-1", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        Assert.Equal(1L, await sts.ScalarAsync<long>("SELECT refresh_token_version FROM provider_connections WHERE id = @id", new { id }));
        var after = await sts.ScalarAsync<byte[]>("SELECT refresh_token_ct FROM provider_connections WHERE id = @id", new { id });
        Assert.Equal(rotates, !before!.AsSpan().SequenceEqual(after));
        if (rotates)
        {
            await sts.SqlAsync("UPDATE provider_connections SET expires_at = @soon", new { soon = DateTimeOffset.UtcNow.AddSeconds(5) });
            Assert.Equal("at-2", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        }

        Assert.Null(await sts.State.GetAsync("provider-refresh:x:lock", CancellationToken.None));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task An_expired_connection_without_a_refresh_token_is_over(Engine engine)
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(idp, engine);
        var id = await OAuthProvider.ConnectAsync(sts, "app-p", "at-old", null, DateTimeOffset.UtcNow.AddSeconds(10));
        Assert.Equal("at-old", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
        await sts.SqlAsync("UPDATE provider_connections SET expires_at = @past", new { past = DateTimeOffset.UtcNow.AddSeconds(-1) });
        Assert.Equal((403, "credential_expired_not_renewable"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Equal("expired", await sts.ScalarAsync<string>("SELECT status FROM provider_connections WHERE id = @id", new { id }));
        Assert.Contains("credential_refresh_failed", await sts.DenialsAsync());
        Assert.Equal(0, idp.Requests);
    }

    [Fact]
    public async Task A_refresh_token_that_was_taken_back_ends_the_connection_without_blame_for_the_server()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(idp);
        await OAuthProvider.ConnectAsync(sts, "app-p", "at-old", "rt-unknown", DateTimeOffset.UtcNow.AddSeconds(-5));
        Assert.Equal((403, "credential_expired_not_renewable"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Equal("expired", await sts.ScalarAsync<string>("SELECT status FROM provider_connections"));
        Assert.Equal(1, await sts.State.IncrementAsync("provider-refresh-failures:prov-oauth", TimeSpan.FromMinutes(5), CancellationToken.None));
    }

    [Fact]
    public async Task A_server_that_fails_leaves_the_connection_for_later()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(idp);
        await OAuthProvider.ConnectAsync(sts, "app-p", "at-old", idp.NewRefreshToken(), DateTimeOffset.UtcNow.AddSeconds(-5));
        idp.Instead = (context, _) =>
        {
            context.Response.StatusCode = 500;
            return Task.FromResult(true);
        };
        Assert.Equal((502, "http_request_failed"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Equal(2, idp.Requests);
        idp.Instead = null;
        Assert.Equal("at-1", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
    }

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task A_connection_revoked_during_its_refresh_stays_revoked_and_gives_nothing(Engine engine)
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(idp, engine);
        await OAuthProvider.ConnectAsync(sts, "app-p", "at-old", idp.NewRefreshToken(), DateTimeOffset.UtcNow.AddSeconds(-5));
        idp.Instead = async (_, _) =>
        {
            await sts.SqlAsync("UPDATE provider_connections SET status = 'revoked', access_token_ct = NULL, refresh_token_ct = NULL");
            return false;
        };
        Assert.Equal((403, "credential_expired_not_renewable"), Of(await OAuthProvider.CallAsync(sts)));
        Assert.Equal("revoked", await sts.ScalarAsync<string>("SELECT status FROM provider_connections WHERE access_token_ct IS NULL"));
    }

    [Fact]
    public async Task A_connection_made_anew_during_a_refresh_is_not_overwritten()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(idp);
        await OAuthProvider.ConnectAsync(sts, "app-p", "at-old", idp.NewRefreshToken(), DateTimeOffset.UtcNow.AddSeconds(-5));
        var fresh = Keys.Sealing.Css1Envelope.Seal(sts.Settings.Kek, Keys.Sealing.SealedLocations.ConnectionAccessToken, "at-consented"u8);
        idp.Instead = async (_, _) =>
        {
            await sts.SqlAsync(
                "UPDATE provider_connections SET access_token_ct = @fresh, expires_at = @end, refresh_token_version = refresh_token_version + 1",
                new { fresh, end = DateTimeOffset.UtcNow.AddHours(1) });
            return false;
        };
        Assert.Equal("at-consented", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
    }

    [Fact]
    public async Task Another_replica_that_refreshes_is_waited_for_and_believed()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(idp);
        var id = await OAuthProvider.ConnectAsync(sts, "app-p", "at-old", idp.NewRefreshToken(), DateTimeOffset.UtcNow.AddSeconds(-5));
        var name = $"provider-refresh:{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"connection\0{id}")))}";
        Assert.True(await sts.State.TryLeaseAsync(name + ":lock", "another", TimeSpan.FromSeconds(15), CancellationToken.None));
        var waiting = OAuthProvider.CallAsync(sts);
        await Task.WhenAny(waiting, UntilMetricAsync(sts, "caracal_sts_provider_refresh_waited_total 1"));
        Assert.False(waiting.IsCompleted);
        var other = Keys.Sealing.Css1Envelope.Seal(sts.Settings.Kek, Keys.Sealing.SealedLocations.ConnectionAccessToken, "at-other"u8);
        await sts.SqlAsync("UPDATE provider_connections SET access_token_ct = @other, expires_at = @end", new { other, end = DateTimeOffset.UtcNow.AddHours(1) });
        await sts.State.SetAsync(name + ":result", """{"ok":true}""", TimeSpan.FromSeconds(5), CancellationToken.None);
        Assert.Equal("at-other", OAuthProvider.Token(await waiting.WaitAsync(TimeSpan.FromSeconds(10))));
        Assert.Equal(0, idp.Requests);

        await sts.SqlAsync("UPDATE provider_connections SET expires_at = @past", new { past = DateTimeOffset.UtcNow.AddSeconds(-5) });
        await sts.State.SetAsync(
            name + ":result", """{"ok":false,"code":"credential_expired_not_renewable","description":"gone"}""", TimeSpan.FromSeconds(5), CancellationToken.None);
        Assert.Equal((403, "credential_expired_not_renewable"), Of(await OAuthProvider.CallAsync(sts)));
        await sts.State.DeleteAsync(name + ":result", CancellationToken.None);
        await sts.State.ReleaseLeaseAsync(name + ":lock", "another", CancellationToken.None);
        Assert.Equal("at-1", OAuthProvider.Token(await OAuthProvider.CallAsync(sts)));
    }

    [Fact]
    [Trait("requirement", "R106")]
    public async Task A_token_sealed_for_another_place_does_not_open()
    {
        await using var idp = await OAuthServer.StartAsync();
        await using var sts = await StartAsync(idp);
        var moved = Keys.Sealing.Css1Envelope.Seal(sts.Settings.Kek, Keys.Sealing.SealedLocations.ConnectionRefreshToken, "at-moved"u8);
        await OAuthProvider.ConnectAsync(sts, "app-p", null, null, null);
        await sts.SqlAsync("UPDATE provider_connections SET access_token_ct = @moved", new { moved });
        Assert.Equal(403, (await OAuthProvider.CallAsync(sts)).Status);
    }

    private static async Task UntilMetricAsync(StsHarness sts, string line)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (!(await sts.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), limit.Token)).Contains(line, StringComparison.Ordinal))
        {
            await Task.Yield();
        }
    }

    private static async Task<StsHarness> StartAsync(OAuthServer idp, Engine engine = Engine.Sqlite)
    {
        var sts = await StsHarness.StartAsync(engine, idp.Handler);
        await OAuthProvider.ConfigureAsync(sts, Kind, null, ("client_secret", OAuthServer.ClientSecret));
        return sts;
    }

    private static (int, string?) Of(Answer answer) => (answer.Status, answer.Error);
}
