using Caracal.Authority.Sessions;

namespace Caracal.Authority.Tests.Sessions;

public sealed class SessionRulesTests
{
    [Theory]
    [InlineData("active", 59, true, true)]
    [InlineData("active", 60, false, false)]
    [InlineData("active", 61, false, false)]
    [InlineData("suspended", 59, false, true)]
    [InlineData("suspended", 60, false, false)]
    [InlineData("terminated", 0, false, false)]
    [InlineData("expired", 0, false, false)]
    [InlineData("unheard-of", 0, false, false)]
    public void A_task_lives_and_holds_its_slot_inside_its_ttl(string status, int after, bool live, bool holds)
    {
        var session = SessionRows.Task(status: status, ttl: 60);
        Assert.Equal(live, SessionRules.IsLive(session, SessionRows.Now.AddSeconds(after)));
        Assert.Equal(holds, SessionRules.HoldsSlot(session, SessionRows.Now.AddSeconds(after)));
    }

    [Theory]
    [InlineData("active", 59, true, true)]
    [InlineData("active", 60, false, false)]
    [InlineData("suspended", 59, false, true)]
    [InlineData("suspended", 9_999, false, true)]
    [InlineData("terminated", 0, false, false)]
    public void A_service_lives_inside_its_lease_and_keeps_its_slot_while_suspended(string status, int after, bool live, bool holds)
    {
        var session = SessionRows.Service(status);
        Assert.Equal(live, SessionRules.IsLive(session, SessionRows.Now.AddSeconds(after)));
        Assert.Equal(holds, SessionRules.HoldsSlot(session, SessionRows.Now.AddSeconds(after)));
    }

    [Fact]
    public void A_row_that_is_neither_task_nor_service_is_never_alive()
    {
        Assert.False(SessionRules.IsLive(SessionRows.Task() with { Lifecycle = "other" }, SessionRows.Now));
        Assert.False(SessionRules.IsLive(SessionRows.Task() with { TtlSeconds = null }, SessionRows.Now));
        Assert.False(SessionRules.IsLive(SessionRows.Service() with { HeartbeatDeadlineAt = null }, SessionRows.Now));
        Assert.False(SessionRules.IsLive(new Session(), SessionRows.Now));
    }
}
