using Caracal.Verifier.Revocations;
using Caracal.Verifier.Tests.Support;

namespace Caracal.Verifier.Tests;

public sealed class InMemoryRevocationStoreTests
{
    private readonly MovedTime _time = new();

    [Fact]
    public async Task A_mark_lasts_a_day_unless_said_otherwise_and_a_shorter_one_takes_nothing_away()
    {
        var store = new InMemoryRevocationStore(_time);
        await store.MarkRevokedAsync("a");
        await store.MarkRevokedAsync("b", TimeSpan.FromMinutes(1));
        await store.MarkRevokedAsync("a", TimeSpan.FromMinutes(1));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await store.IsRevokedAsync("a"));
        Assert.False(await store.IsRevokedAsync("b"));
        _time.Advance(TimeSpan.FromHours(24));
        Assert.False(await store.IsRevokedAsync("a"));
        Assert.False(await store.IsRevokedAsync(""));
    }

    [Fact]
    public async Task A_full_store_reaps_what_has_expired_and_never_what_lives()
    {
        var store = new InMemoryRevocationStore(_time);
        for (var i = 0; i < InMemoryRevocationStore.LargestNumberOfAnchors; i++)
        {
            await store.MarkRevokedAsync($"id-{i}", TimeSpan.FromMinutes(i == 7 ? 1 : 60));
        }

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await store.MarkRevokedAsync("one-more"));
        Assert.True(await store.IsRevokedAsync("id-0"));
        await store.MarkRevokedAsync("id-0"); // known: no room needed
        _time.Advance(TimeSpan.FromMinutes(2));
        await store.MarkRevokedAsync("one-more");
        Assert.True(await store.IsRevokedAsync("one-more"));
    }

    [Fact]
    public async Task An_epoch_never_falls_and_is_kept_per_zone()
    {
        var store = new InMemoryRevocationStore(_time);
        Assert.Equal(0, await store.CurrentDelegationEpochAsync("z"));
        await store.MarkDelegationEpochAsync("z", 5);
        await store.MarkDelegationEpochAsync("z", 3);
        Assert.Equal((5, 0), (await store.CurrentDelegationEpochAsync("z"), await store.CurrentDelegationEpochAsync("y")));
    }

    [Fact]
    public async Task Any_of_several_revokes()
    {
        IRevocationStore store = new InMemoryRevocationStore(_time);
        await store.MarkRevokedAsync("c");
        Assert.True(await store.IsAnyRevokedAsync(["a", "b", "c"]));
        Assert.False(await store.IsAnyRevokedAsync(["a", "b"]));
    }
}
