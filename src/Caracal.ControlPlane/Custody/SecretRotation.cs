using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Custody;

namespace Caracal.ControlPlane.Custody;

/// <summary>How long the old secret works beside the new one (operations.md 4.6.9).</summary>
internal readonly record struct SecretRotation(TimeSpan Overlap, Answer? Problem)
{
    private const long LongestOverlap = 604_800;

    /// <summary>Without body the old secret dies at once, as in v1.0.</summary>
    public static SecretRotation Read(ApiCall call, Refusal invalid)
    {
        var fields = call.Strict(invalid);
        var overlap = fields.Integer("overlap_seconds", 0, LongestOverlap) ?? 0;
        fields.OptionalText("reason", 0, 500);
        return new SecretRotation(TimeSpan.FromSeconds(overlap), fields.Problem());
    }

    /// <summary>Ends earlier overlaps and, when asked for, starts one for the hash that is being replaced. Returns when it ends.</summary>
    public async Task<DateTimeOffset?> KeepAsync(Work work, string zoneId, string owner, string? oldHash, DateTimeOffset now)
    {
        await CredentialOverlapStore.RetireAllAsync(work, zoneId, owner);
        if (Overlap == TimeSpan.Zero || oldHash is null) return null;
        var until = now + Overlap;
        await CredentialOverlapStore.AddAsync(work, Ids.New(), zoneId, owner, oldHash, until, now);
        return until;
    }
}
