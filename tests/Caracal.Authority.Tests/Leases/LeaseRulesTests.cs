using Caracal.Authority.Leases;
using Caracal.Authority.Sessions;
using Caracal.Authority.Tests.Sessions;

namespace Caracal.Authority.Tests.Leases;

/// <summary>coordinator.md 6: each case also breaks what comes after it.</summary>
public sealed class LeaseRulesTests
{
    private static readonly LeaseAuthority Fine = new(SubjectIsInactiveUser: false, BearerHasRecord: true, BearerRecordIsApplication: true);
    private static readonly LeaseAuthority Bad = new(SubjectIsInactiveUser: true, BearerHasRecord: false, BearerRecordIsApplication: false);
    private static readonly DateTimeOffset Late = SessionRows.Now.AddSeconds(60);

    [Fact]
    public void Acquires_in_the_specified_order()
    {
        Expect(LeaseEffect.None, "session_not_service", LeaseRules.Acquire(SessionRows.Task(status: "suspended"), Bad, Late));
        Expect(LeaseEffect.None, "session_suspended", LeaseRules.Acquire(SessionRows.Service("suspended"), Bad, Late));
        Expect(LeaseEffect.None, "session_not_live", LeaseRules.Acquire(SessionRows.Service("terminated"), Bad, Late));
        Expect(LeaseEffect.Terminate, "session_subject_inactive", LeaseRules.Acquire(SessionRows.Service(), Bad, Late));
        Expect(LeaseEffect.Suspend, "session_lease_expired", LeaseRules.Acquire(SessionRows.Service(), Bad with { SubjectIsInactiveUser = false }, Late));
        Expect(LeaseEffect.None, "authority_record_required", LeaseRules.Acquire(SessionRows.Service(), Bad with { SubjectIsInactiveUser = false }, SessionRows.Now));
        Expect(LeaseEffect.None, "identity_revoked", LeaseRules.Acquire(SessionRows.Service(), Fine with { BearerRecordIsApplication = false }, SessionRows.Now));
        Expect(LeaseEffect.Renew, null, LeaseRules.Acquire(SessionRows.Service(), Fine, SessionRows.Now));
    }

    [Fact]
    public void Beats_in_the_specified_order()
    {
        Expect(LeaseEffect.None, "session_not_live", LeaseRules.Heartbeat(SessionRows.Task(status: "expired"), 9, Bad, Late));
        Expect(LeaseEffect.None, "session_not_service", LeaseRules.Heartbeat(SessionRows.Task(), 9, Bad, Late));
        Expect(LeaseEffect.Terminate, "session_subject_inactive", LeaseRules.Heartbeat(SessionRows.Service(), 9, Bad, Late));
        Expect(LeaseEffect.None, "session_lease_fenced", LeaseRules.Heartbeat(SessionRows.Service(), 9, Bad with { SubjectIsInactiveUser = false }, Late));
        Expect(LeaseEffect.Suspend, "session_lease_expired", LeaseRules.Heartbeat(SessionRows.Service(), 1, Bad with { SubjectIsInactiveUser = false }, Late));
        Expect(LeaseEffect.None, "authority_record_required", LeaseRules.Heartbeat(SessionRows.Service(), 1, Fine with { BearerHasRecord = false }, SessionRows.Now));
        Expect(LeaseEffect.None, "identity_revoked", LeaseRules.Heartbeat(SessionRows.Service(), 1, Fine with { BearerRecordIsApplication = false }, SessionRows.Now));
        Expect(LeaseEffect.Renew, null, LeaseRules.Heartbeat(SessionRows.Service(), 1, Fine, SessionRows.Now));
        Expect(LeaseEffect.Renew, null, LeaseRules.Heartbeat(SessionRows.Service("suspended"), 1, Fine, Late));
    }

    [Fact]
    public void Ends_a_service_only_for_the_holder_of_its_generation()
    {
        Assert.Same(LeaseRefusals.GenerationRequired, LeaseRules.CheckTermination(SessionRows.Service(), null));
        Assert.Same(LeaseRefusals.Fenced, LeaseRules.CheckTermination(SessionRows.Service(generation: 3), 2));
        Assert.Null(LeaseRules.CheckTermination(SessionRows.Service(generation: 3), 3));
        Assert.Null(LeaseRules.CheckTermination(SessionRows.Task(), null));
    }

    private static void Expect(LeaseEffect effect, string? code, LeaseDecision decision) =>
        Assert.Equal((effect, code), (decision.Effect, decision.Refusal?.Code));
}
