using Caracal.Protocol;

namespace Caracal.Authority.Sessions;

/// <summary>The application of a start, as far as the rules look at it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsDynamic">Registered by itself (DCR), not by an administrator.</param>
public sealed record StartApplication(string Id, bool IsDynamic);

/// <summary>Everything a start is decided on, read under the zone's session lock.</summary>
public sealed record StartFacts
{
    /// <summary>Null when unknown, archived or expired.</summary>
    public StartApplication? Application { get; init; }
    public string Lifecycle { get; init; } = "";
    public string? ParentId { get; init; }

    /// <summary>The anchor record is active, unexpired and of this zone.</summary>
    public bool AnchorIsActive { get; init; }
    public int ZoneSessions { get; init; }
    public int ZoneLimit { get; init; }
    public int ApplicationSessions { get; init; }
    public int ApplicationLimit { get; init; }

    /// <summary>The named parent, whatever its state; null when there is no such row in the zone.</summary>
    public Session? Parent { get; init; }
    public bool ParentApplicationIsDynamic { get; init; }

    /// <summary>The caller holds <c>spawn_under</c> for the parent's application, or is an administrator.</summary>
    public bool MaySpawnUnderParent { get; init; }
}

/// <summary>Whether a Session may start: the checks of coordinator.md 5 in their order.</summary>
public static class StartRules
{
    /// <summary>Null when every check passes.</summary>
    public static Refusal? Check(StartFacts facts, DateTimeOffset now) =>
        CheckApplication(facts) ?? CheckCapacity(facts) ?? CheckParent(facts, now);

    /// <summary>The depth of a child of <paramref name="parent"/>; a root has depth 0.</summary>
    public static int DepthUnder(Session? parent) => parent is null ? 0 : parent.Depth + 1;

    private static Refusal? CheckApplication(StartFacts facts)
    {
        if (facts.Application is not { } application)
        {
            return SessionRefusals.ApplicationNotFound;
        }

        if (application.IsDynamic && facts.Lifecycle == SessionLifecycle.Service)
        {
            return SessionRefusals.DynamicCannotHostService;
        }

        if (application.IsDynamic && facts.ParentId is not null)
        {
            return SessionRefusals.DynamicCannotBeChild;
        }

        return facts.AnchorIsActive ? null : SessionRefusals.AnchorNotFound;
    }

    private static Refusal? CheckCapacity(StartFacts facts)
    {
        if (facts.ZoneSessions >= facts.ZoneLimit)
        {
            return SessionRefusals.ZoneLimitExceeded;
        }

        if (facts.Application!.IsDynamic && facts.ApplicationSessions > 0)
        {
            return SessionRefusals.DynamicAlreadyBound;
        }

        return facts.ApplicationSessions >= facts.ApplicationLimit ? SessionRefusals.ApplicationLimitExceeded : null;
    }

    private static Refusal? CheckParent(StartFacts facts, DateTimeOffset now)
    {
        if (facts.ParentId is null)
        {
            return null;
        }

        if (facts.Parent is not { } parent || !SessionRules.IsLive(parent, now))
        {
            return SessionRefusals.ParentNotFound;
        }

        if (facts.ParentApplicationIsDynamic)
        {
            return SessionRefusals.DynamicCannotStartChild;
        }

        if (parent.Lifecycle == SessionLifecycle.Task && facts.Lifecycle == SessionLifecycle.Service)
        {
            return SessionRefusals.TaskCannotStartService;
        }

        if (parent.ApplicationId != facts.Application!.Id && !facts.MaySpawnUnderParent)
        {
            return SessionRefusals.ParentOwnershipRequired;
        }

        if (parent.ChildCount >= parent.MaxChildren)
        {
            return SessionRefusals.ChildrenLimitExceeded;
        }

        return DepthUnder(parent) > SessionLimits.MaximumDepth ? SessionRefusals.DepthLimitExceeded : null;
    }
}
