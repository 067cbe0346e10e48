using Caracal.Protocol;

namespace Caracal.Authority.Approvals;

/// <summary>The hold somebody wants to decide.</summary>
public sealed record DecidableHold(string? ApplicationId, string ApproverClass, string? SubjectAnchor);

/// <summary>Who wants to decide it, as their verified mandate and stored record say.</summary>
/// <param name="ClientId">The application the person came in through.</param>
/// <param name="Subject">The person.</param>
/// <param name="IsUser">False for an application's own mandate.</param>
/// <param name="RecordHolds">True when the mandate's authority record is active and this person's.</param>
/// <param name="IsOfTheLineage">True when their record is, or descends from, or is an ancestor of the one that asked.</param>
public sealed record SubjectApprover(string? ClientId, string? Subject, bool IsUser, bool RecordHolds, bool IsOfTheLineage);

/// <summary>Which person may decide a hold in the subject's place (sts.md 8.6), in the specification's order.</summary>
public static class SubjectDecisionRules
{
    private static readonly Refusal NotUser = new(403, "access_denied", "only a user may decide");
    private static readonly Refusal NoApplication = new(403, "access_denied", "this approval is not for a user to decide");
    private static readonly Refusal OtherApplication = new(403, "access_denied", "approver does not belong to the requesting application");
    private static readonly Refusal OperatorOnly = new(403, "access_denied", "this approval is for an operator to decide");
    private static readonly Refusal OtherSubject = new(403, "access_denied", "this approval is another user's to decide");
    private static readonly Refusal OwnLineage = new(403, "access_denied", "who asked may not approve");

    /// <summary>Why not; null when they may.</summary>
    public static Refusal? Check(DecidableHold hold, SubjectApprover approver)
    {
        if (!approver.IsUser) return NotUser;
        if (string.IsNullOrEmpty(hold.ApplicationId)) return NoApplication;
        if (!approver.RecordHolds || approver.ClientId != hold.ApplicationId) return OtherApplication;
        if (hold.ApproverClass is not ("subject" or "any")) return OperatorOnly;
        if (hold.SubjectAnchor is not null && approver.Subject != hold.SubjectAnchor) return OtherSubject;
        return approver.IsOfTheLineage ? OwnLineage : null;
    }
}
