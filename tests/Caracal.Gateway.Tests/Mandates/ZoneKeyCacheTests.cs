using Caracal.Gateway.Tests.Support;
using Caracal.Hosting.StsCalls;
using Caracal.Keys.Certificates;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;

namespace Caracal.Gateway.Tests.Mandates;

public sealed class ZoneKeyCacheTests : IAsyncLifetime
{
    private readonly TestTime _time = new();
    private StsDouble _sts = null!;
    private ZoneKeyCache _cache = null!;

    public async ValueTask InitializeAsync()
    {
        _sts = await StsDouble.StartAsync(new byte[32]);
        _cache = new ZoneKeyCache(
            new JwksSource(_sts.Address.ToString(), TimeSpan.FromSeconds(5), ExtraAuthorities.None), _ => { }, _time);
    }

    public async ValueTask DisposeAsync()
    {
        _cache.Dispose();
        await _sts.DisposeAsync();
    }

    [Fact]
    public async Task An_unknown_zone_is_asked_for_once_in_thirty_seconds()
    {
        Assert.Null(await FindAsync("key-1", "zone-2"));
        Assert.Null(await FindAsync("key-1", "zone-2"));
        Assert.Equal(1, _sts.JwksRequests);
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Null(await FindAsync("key-1", "zone-2"));
        Assert.Equal(2, _sts.JwksRequests);
    }

    [Fact]
    public async Task A_set_without_a_usable_key_and_an_sts_that_is_gone_give_no_key()
    {
        _sts.Keys = new JsonWebKeySet([]);
        Assert.Null(await FindAsync("key-1"));
        await _sts.StopAsync();
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null(await FindAsync("key-1"));
    }

    [Fact]
    [Trait("requirement", "R67")]
    public async Task A_zone_is_fetched_once_for_all_who_wait_and_again_after_five_minutes()
    {
        var found = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => FindAsync("key-1")));
        Assert.All(found, Assert.NotNull);
        Assert.Equal(1, _sts.JwksRequests);
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.NotNull(await FindAsync("key-1"));
        Assert.Equal(2, _sts.JwksRequests);
    }

    [Fact]
    public async Task Keys_that_have_aged_do_not_serve_when_the_sts_is_gone()
    {
        Assert.NotNull(await FindAsync("key-1"));
        await _sts.StopAsync();
        Assert.NotNull(await FindAsync("key-1"));
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Null(await FindAsync("key-1"));
    }

    [Fact]
    public async Task An_unknown_key_is_fetched_once_a_second_and_each_once_in_thirty()
    {
        Assert.NotNull(await FindAsync("key-1"));
        Assert.Null(await FindAsync("key-2"));
        Assert.Equal(1, _sts.JwksRequests);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await FindAsync("bogus"));
        Assert.Equal(2, _sts.JwksRequests);

        using var next = SigningKey.Generate();
        _sts.Keys = TestMandates.KeySet(next, "key-2");
        Assert.Null(await FindAsync("key-2"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(await FindAsync("key-2"));
        Assert.Equal(3, _sts.JwksRequests);

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await FindAsync("bogus"));
        Assert.Equal(3, _sts.JwksRequests);
    }

    [Fact]
    public async Task A_dropped_zone_is_fetched_anew()
    {
        Assert.NotNull(await FindAsync("key-1"));
        _cache.Drop(TestMandates.Zone);
        Assert.NotNull(await FindAsync("key-1"));
        Assert.Equal(2, _sts.JwksRequests);
    }

    private Task<EcPublicKey?> FindAsync(string keyId, string zone = TestMandates.Zone) =>
        _cache.FindAsync(zone, keyId, CancellationToken.None).AsTask();
}
