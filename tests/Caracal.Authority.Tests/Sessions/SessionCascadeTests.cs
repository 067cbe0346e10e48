using Caracal.Authority.Sessions;
using FsCheck;
using FsCheck.Fluent;

namespace Caracal.Authority.Tests.Sessions;

public sealed class SessionCascadeTests
{
    [Fact]
    public void Ends_the_root_and_what_is_reached_through_open_sessions()
    {
        Session[] rows =
        [
            SessionRows.Task("root", parent: "above"), SessionRows.Task("a", parent: "root"), SessionRows.Task("b", SessionStatus.Suspended, "root"),
            SessionRows.Task("b1", parent: "b"), SessionRows.Task("c", SessionStatus.Terminated, "root"), SessionRows.Task("c1", parent: "c"),
            SessionRows.Task("stranger"),
        ];
        var plan = SessionCascade.End(["root"], rows, SessionStatus.Expired, EndReason.Ttl);
        Assert.Equal(["a", "b", "b1", "root"], plan.Ends.Select(end => end.Session.Id));
        Assert.Equal([("terminated", "parent_terminated"), ("terminated", "parent_terminated"), ("terminated", "parent_terminated"), ("expired", "ttl")],
            plan.Ends.Select(end => (end.Status, end.Reason)));
        Assert.Equal(new Dictionary<string, int> { ["above"] = 1 }, plan.ChildrenLost);
    }

    [Fact]
    public void Counts_lost_children_per_surviving_parent_and_gives_a_nested_root_its_own_reason()
    {
        Session[] rows = [SessionRows.Task("r1", parent: "p"), SessionRows.Task("r2", parent: "p"), SessionRows.Task("r3", parent: "r1")];
        var plan = SessionCascade.End(["r1", "r2", "r3"], rows, SessionStatus.Terminated, "why");
        Assert.All(plan.Ends, end => Assert.Equal("why", end.Reason));
        Assert.Equal(new Dictionary<string, int> { ["p"] = 2 }, plan.ChildrenLost);
    }

    [Fact]
    public void Ends_nothing_that_has_ended() =>
        Assert.Empty(SessionCascade.End(["s"], [SessionRows.Task(status: SessionStatus.Terminated)], SessionStatus.Terminated, "x").Ends);

    [Fact]
    public void Reaches_a_status_only_through_that_status()
    {
        Session[] rows =
        [
            SessionRows.Task("root"), SessionRows.Task("a", SessionStatus.Suspended, "root"), SessionRows.Task("a1", parent: "a"), SessionRows.Task("b", parent: "root"),
        ];
        Assert.Equal(["b", "root"], SessionCascade.InStatus("root", rows, SessionStatus.Active).Select(s => s.Id));
        Assert.Empty(SessionCascade.InStatus("root", rows, SessionStatus.Suspended));
        Assert.Equal(["a"], SessionCascade.InStatus("a", rows, SessionStatus.Suspended).Select(s => s.Id));
    }

    [Fact]
    public void Leaves_no_open_child_under_an_ended_parent_whatever_the_tree()
    {
        var trees = Gen.Choose(1, 24).SelectMany(size => Gen.Choose(0, 1_000_000).ListOf(size * 2)).ToArbitrary();
        Prop.ForAll(trees, numbers =>
        {
            var rows = Enumerable.Range(0, numbers.Count / 2).Select(i => SessionRows.Task(
                $"s{i:D2}",
                (numbers[2 * i] % 4) switch { 0 => SessionStatus.Terminated, 1 => SessionStatus.Suspended, _ => SessionStatus.Active },
                i == 0 || numbers[(2 * i) + 1] % 5 == 0 ? null : $"s{numbers[(2 * i) + 1] % i:D2}")).ToArray();
            var plan = SessionCascade.End(["s00"], rows, SessionStatus.Terminated, "x");
            var ended = plan.Ends.Select(end => end.Session.Id).ToHashSet();
            return rows.All(row => row.ParentId is null || !ended.Contains(row.ParentId) || ended.Contains(row.Id) || !SessionStatus.IsOpen(row.Status))
                && ended.Count == plan.Ends.Count
                && plan.ChildrenLost.Keys.All(parent => !ended.Contains(parent));
        }).QuickCheckThrowOnFailure();
    }
}
