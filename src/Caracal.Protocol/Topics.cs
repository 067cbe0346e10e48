namespace Caracal.Protocol;

/// <summary>Stream names (streams.md 2).</summary>
public static class Topics
{
    public const string AuditEvents = "caracal.audit.events";
    public const string AuditDeadLetters = "caracal.audit.events.dlq";
    public const string PolicyInvalidate = "caracal.policy.invalidate";
    public const string SessionsRevoke = "caracal.sessions.revoke";
    public const string KeysInvalidate = "caracal.keys.invalidate";
    public const string AgentsLifecycle = "caracal.agents.lifecycle";
    public const string InvocationsLifecycle = "caracal.invocations.lifecycle";
    public const string DelegationsInvalidate = "caracal.delegations.invalidate";

    /// <summary>Where consumers other than Audit put what they cannot process (streams.md 7).</summary>
    public static string Dead(string topic) => topic + ".dead";
}
