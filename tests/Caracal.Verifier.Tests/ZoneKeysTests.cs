using System.Net;
using System.Text.Json.Nodes;
using Caracal.Verifier.Keys;
using Caracal.Verifier.Tests.Support;

namespace Caracal.Verifier.Tests;

/// <summary>The key cache of gateway.md B4.</summary>
public sealed class ZoneKeysTests : IDisposable
{
    private readonly MovedTime _time = new();
    private readonly Minted _old = new() { KeyId = "old" };
    private readonly Minted _new = new() { KeyId = "new" };
    private readonly JwksHandler _issuer;
    private readonly ZoneKeys _keys;

    public ZoneKeysTests()
    {
        _time.Advance(TimeSpan.FromDays(1));
        _issuer = new JwksHandler(Minted.JwksOf(_old));
        _keys = new ZoneKeys(VectorV4.Issuer + "/", "zone 1/x", new HttpMessageInvoker(_issuer), _time);
    }

    [Fact]
    public async Task Asks_the_issuer_for_the_configured_zone_once_for_all_who_wait()
    {
        _issuer.Gate = new TaskCompletionSource();
        var waiting = Enumerable.Range(0, 20).Select(_ => FindAsync("old")).ToList();
        _issuer.Gate.SetResult();
        Assert.All(await Task.WhenAll(waiting), Assert.True);
        Assert.Equal(1, _issuer.Requests);
        Assert.Equal("https://sts.example.com/.well-known/jwks.json?zone_id=zone%201%2Fx", _issuer.Asked!.AbsoluteUri);
    }

    [Fact]
    public async Task One_who_leaves_does_not_end_the_fetch_for_the_others()
    {
        _issuer.Gate = new TaskCompletionSource();
        using var leaving = new CancellationTokenSource();
        var gone = _keys.FindAsync("old", leaving.Token).AsTask();
        var staying = FindAsync("old");
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        _issuer.Gate.SetResult();
        Assert.True(await staying);
    }

    [Fact]
    [Trait("requirement", "R67")]
    public async Task Serves_five_minutes_without_asking_and_ten_while_it_asks()
    {
        Assert.True(await FindAsync("old"));
        _time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        Assert.True(await FindAsync("old"));
        Assert.Equal(1, _issuer.Requests);

        _issuer.Down = true;
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.True(await FindAsync("old"));
        _time.Advance(TimeSpan.FromMinutes(4));
        Assert.False(await FindAsync("old"));
        _time.Advance(TimeSpan.FromSeconds(2));
        _issuer.Down = false;
        Assert.True(await FindAsync("old"));
    }

    [Fact]
    public async Task A_new_key_is_accepted_at_once_and_a_made_up_one_cannot_hold_it_up()
    {
        Assert.True(await FindAsync("old"));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(await FindAsync("made-up"));
        Assert.Equal(2, _issuer.Requests);
        _issuer.Document = Minted.JwksOf(_new, _old);
        Assert.False(await FindAsync("new")); // within the second
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await FindAsync("new"));
        Assert.Equal(3, _issuer.Requests);

        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(await FindAsync("made-up"));
        Assert.Equal(3, _issuer.Requests); // each id once in 30 s
        _time.Advance(TimeSpan.FromSeconds(20));
        Assert.False(await FindAsync("made-up"));
        Assert.Equal(4, _issuer.Requests);
    }

    [Fact]
    public async Task An_issuer_that_is_down_is_asked_once_a_second()
    {
        _issuer.Down = true;
        for (var i = 0; i < 5; i++)
        {
            Assert.False(await FindAsync("old"));
        }

        Assert.Equal(1, _issuer.Requests);
        _time.Advance(TimeSpan.FromSeconds(1));
        _issuer.Down = false;
        Assert.True(await FindAsync("old"));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"keys":[]}""")]
    [InlineData("not json")]
    public async Task A_set_without_a_usable_key_is_never_kept(string document)
    {
        _issuer.Document = document;
        Assert.False(await _keys.WarmupAsync(CancellationToken.None));
        _issuer.Document = Minted.JwksOf(_old);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await _keys.WarmupAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_document_of_more_than_256_KiB_and_a_redirect_are_no_set()
    {
        _issuer.Document = new JsonObject { ["pad"] = new string('x', 256 * 1024), ["keys"] = new JsonArray(_old.Jwk()) }.ToJsonString();
        Assert.False(await FindAsync("old"));
        _time.Advance(TimeSpan.FromSeconds(1));
        _issuer.Document = Minted.JwksOf(_old);
        _issuer.Status = HttpStatusCode.Found;
        Assert.False(await FindAsync("old"));
    }

    public static TheoryData<string, string?> Unusable => new()
    {
        { "kty", "RSA" }, { "crv", "P-384" }, { "alg", "RS256" }, { "alg", null }, { "kid", "" }, { "use", "enc" },
        { "x", "AAAA" }, { "y", "6s8a2w9kJ-iupLkOnbGJyFpm9xGpaDzYde4blPeyErg" },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public async Task A_key_of_another_kind_is_left_out(string member, string? value)
    {
        var key = _new.Jwk();
        key[member] = value;
        _issuer.Document = new JsonObject { ["keys"] = new JsonArray(_old.Jwk(), key) }.ToJsonString();
        Assert.True(await FindAsync("old"));
        Assert.False(await FindAsync("new"));
    }

    public void Dispose()
    {
        _keys.Dispose();
        _issuer.Dispose();
        _old.Dispose();
        _new.Dispose();
    }

    private async Task<bool> FindAsync(string keyId) => await _keys.FindAsync(keyId, CancellationToken.None) is not null;
}
