using Caracal.Authority.Sessions;
using Caracal.Protocol;

namespace Caracal.Authority.Tests.Sessions;

/// <summary>The checks of a start, each alone and against the one that must come after it (coordinator.md 5).</summary>
public sealed class StartRulesTests
{
    private static readonly StartFacts Fine = new()
    {
        Application = new StartApplication("app1", IsDynamic: false),
        Lifecycle = SessionLifecycle.Task,
        AnchorIsActive = true,
        ZoneLimit = 50,
        ApplicationLimit = 200,
    };

    private static readonly StartFacts Child = Fine with { ParentId = "s", Parent = SessionRows.Task() };

    // In the specified order: every case also breaks all checks that follow it.
    public static TheoryData<int, string> Order => new(Cases().Select((c, i) => (i, c.Refusal.Code)));

    [Fact]
    public void Allows_a_start_that_passes_every_check()
    {
        Assert.Null(StartRules.Check(Fine, SessionRows.Now));
        Assert.Null(StartRules.Check(Child, SessionRows.Now));
        Assert.Null(StartRules.Check(Child with { Parent = SessionRows.Task(application: "app2"), MaySpawnUnderParent = true }, SessionRows.Now));
        Assert.Null(StartRules.Check(Child with { Lifecycle = SessionLifecycle.Service, Parent = SessionRows.Service() }, SessionRows.Now));
    }

    [Theory]
    [MemberData(nameof(Order))]
    public void Refuses_the_first_failing_check(int index, string code)
    {
        var (facts, refusal) = Cases()[index];
        Assert.Same(refusal, StartRules.Check(facts, SessionRows.Now));
        Assert.Equal(refusal.Code, code);
    }

    [Fact]
    public void Refuses_facts_that_were_never_read() => Assert.NotNull(StartRules.Check(new StartFacts(), SessionRows.Now));

    private static (StartFacts Facts, Refusal Refusal)[] Cases()
    {
        var dynamic = new StartApplication("app1", IsDynamic: true);
        var full = SessionRows.Task(application: "app2") with { ChildCount = 10, Depth = 10 };
        var bad = Child with { AnchorIsActive = false, ZoneSessions = 50, ApplicationSessions = 200, Parent = null, Application = null };
        return
        [
            (bad, SessionRefusals.ApplicationNotFound),
            (bad with { Application = dynamic, Lifecycle = SessionLifecycle.Service }, SessionRefusals.DynamicCannotHostService),
            (bad with { Application = dynamic }, SessionRefusals.DynamicCannotBeChild),
            (bad with { Application = Fine.Application }, SessionRefusals.AnchorNotFound),
            (bad with { Application = Fine.Application, AnchorIsActive = true }, SessionRefusals.ZoneLimitExceeded),
            (Fine with { Application = dynamic, ApplicationSessions = 200 }, SessionRefusals.DynamicAlreadyBound),
            (Child with { ApplicationSessions = 200, Parent = null }, SessionRefusals.ApplicationLimitExceeded),
            (Child with { Parent = null, ParentApplicationIsDynamic = true }, SessionRefusals.ParentNotFound),
            (Child with { Parent = SessionRows.Task(status: SessionStatus.Suspended) }, SessionRefusals.ParentNotFound),
            (Child with { Parent = SessionRows.Task(ttl: 0) }, SessionRefusals.ParentNotFound),
            (Child with { Parent = full, ParentApplicationIsDynamic = true, Lifecycle = SessionLifecycle.Service }, SessionRefusals.DynamicCannotStartChild),
            (Child with { Parent = full, Lifecycle = SessionLifecycle.Service }, SessionRefusals.TaskCannotStartService),
            (Child with { Parent = full }, SessionRefusals.ParentOwnershipRequired),
            (Child with { Parent = full, MaySpawnUnderParent = true }, SessionRefusals.ChildrenLimitExceeded),
            (Child with { Parent = full with { ChildCount = 9 }, MaySpawnUnderParent = true }, SessionRefusals.DepthLimitExceeded),
        ];
    }
}
