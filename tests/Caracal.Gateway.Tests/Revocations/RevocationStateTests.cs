using Caracal.Gateway.Revocations;
using Caracal.Gateway.Tests.Support;
using Caracal.Protocol.Mandates;
using Caracal.Storage.Revocations;

namespace Caracal.Gateway.Tests.Revocations;

public sealed class RevocationStateTests
{
    private static readonly RevocationAnchors Nothing = new([], [], [], []);
    private static readonly MandateClaims Claims = new() { Sid = "ar-1", RootSid = "ar-root", AgentSessionId = "sess-1", DelegationEdgeId = "edge-1" };

    private readonly TestTime _time = new();
    private readonly RevocationState _state;

    public RevocationStateTests() => _state = new RevocationState(_time);

    [Fact]
    public void Is_not_fresh_before_the_first_snapshot_and_after_seventy_seconds()
    {
        Assert.False(_state.IsFresh);
        _state.Apply(Nothing, _state.Moment());
        Assert.True(_state.IsFresh);
        _time.Advance(TimeSpan.FromSeconds(71));
        Assert.False(_state.IsFresh);
    }

    [Theory]
    [InlineData("sid")]
    [InlineData("root_sid")]
    [InlineData("session")]
    [InlineData("edge")]
    public void Each_of_the_four_anchors_revokes(string anchor)
    {
        switch (anchor)
        {
            case "sid": _state.MarkRecord("ar-1"); break;
            case "root_sid": _state.MarkRecord("ar-root"); break;
            case "session": _state.MarkSession("sess-1"); break;
            default: _state.MarkDelegation("edge-1"); break;
        }

        Assert.True(_state.IsRevoked(Claims));
        Assert.False(_state.IsRevoked(new MandateClaims { Sid = "ar-2" }));
        Assert.Equal(1, _state.Count);
    }

    [Fact]
    public void An_empty_id_never_matches()
    {
        _state.MarkRecord("");
        _state.MarkRecord(null);
        Assert.Equal(0, _state.Count);
        Assert.False(_state.IsRevoked(new MandateClaims { Sid = "" }));
    }

    [Fact]
    public void A_mark_lasts_a_day()
    {
        _state.MarkRecord("ar-1");
        _time.Advance(TimeSpan.FromHours(24));
        Assert.False(_state.IsRevoked(Claims));
        _state.Prune();
        Assert.Equal(0, _state.Count);
    }

    [Fact]
    public void A_snapshot_replaces_what_was_marked_before_its_query_and_keeps_what_came_after()
    {
        _state.MarkSession("old");
        _time.Advance(TimeSpan.FromSeconds(1));
        var started = _state.Moment();
        _time.Advance(TimeSpan.FromSeconds(1));
        _state.MarkRecord("ar-1");
        _state.Apply(new RevocationAnchors(["ar-9"], [], [], []), started);
        Assert.True(_state.IsRevoked(Claims));
        Assert.True(_state.IsMarked("ar-9"));
        Assert.False(_state.IsMarked("old"));
    }

    [Fact]
    public void A_record_that_no_table_holds_is_known_for_ten_seconds_across_a_snapshot()
    {
        _state.MarkRecord("canary");
        _time.Advance(TimeSpan.FromSeconds(1));
        _state.Apply(new RevocationAnchors([], [], [], []), _state.Moment());
        Assert.True(_state.IsMarked("canary"));
        _time.Advance(TimeSpan.FromSeconds(10));
        _state.Apply(new RevocationAnchors([], [], [], []), _state.Moment());
        Assert.False(_state.IsMarked("canary"));
    }

    [Fact]
    public void A_resumed_session_is_free_again_even_when_an_older_snapshot_calls_it_suspended()
    {
        _state.Suspend("sess-1");
        Assert.True(_state.IsRevoked(Claims));
        var started = _state.Moment();
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _state.Resume("sess-1");
        Assert.False(_state.IsRevoked(Claims));
        _state.Apply(new RevocationAnchors([], [], ["sess-1"], []), started);
        Assert.False(_state.IsRevoked(Claims));
    }

    [Fact]
    public void Resuming_does_not_bring_back_a_session_that_has_ended()
    {
        _state.MarkSession("sess-1");
        _state.Suspend("sess-1");
        _state.Resume("sess-1");
        Assert.True(_state.IsRevoked(Claims));

        _state.Apply(new RevocationAnchors([], ["sess-1"], [], []), _state.Moment());
        _state.Resume("sess-1");
        Assert.True(_state.IsRevoked(Claims));
    }
}
