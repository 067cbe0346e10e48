using Caracal.Authority.Sessions;
using Caracal.Protocol;
using Caracal.Protocol.Mandates;
using Microsoft.Extensions.Logging;

namespace Caracal.Coordinator.Authentication;

/// <summary>
/// Whether a caller may anchor a Session to somebody else's authority record: only with that person's own token, issued
/// to the very application that is started (coordinator.md 5, README ruling 9).
/// </summary>
internal sealed class SubjectProof(BearerVerifier verifier, ILogger logger)
{
    private const int MaximumTokenLength = 4_096;

    /// <summary>Null when the token proves the record.</summary>
    public async Task<Refusal?> CheckAsync(
        string? token, string zoneId, string applicationId, string recordId, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(token) || token.Length > MaximumTokenLength)
        {
            return SessionRefusals.InvalidSubjectProof;
        }

        var (claims, fault) = await verifier.VerifyAsync(token, zoneId, audience: null, cancellationToken);
        if (claims is null)
        {
            CoordinatorLog.SubjectProofFailed(logger, fault.ToString());
            return SessionRefusals.InvalidSubjectProof;
        }

        if (claims.ClientId != applicationId)
        {
            return SessionRefusals.ProofApplicationMismatch;
        }

        return Proves(claims, recordId) ? null : SessionRefusals.InvalidSubjectProof;
    }

    // A plain user session: no scopes, no targets, nothing delegated, and the root record itself.
    private static bool Proves(MandateClaims claims, string recordId) =>
        claims.Subject is not null && claims.Jti is not null && claims.IssuedAt is not null
        && claims.Sid == recordId && claims.RootSid == recordId
        && claims.Use == MandateUse.Session && claims.SubjectType == "user"
        && string.IsNullOrEmpty(claims.Scope) && claims.Target.Count == 0 && claims.DelegationPath.Count == 0
        && claims.AgentSessionId is null && claims.DelegationEdgeId is null
        && claims.SourceSessionId is null && claims.TargetSessionId is null;
}
