using System.Text;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.Evidence.Events;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Custody;

namespace Caracal.ControlPlane.Custody;

/// <summary>Secrets that are kept sealed and may be shown again: stored with the change they belong to, revealed only after the audit event committed.</summary>
internal sealed class SecretCustody(Changes changes, KekRing keks, CustodyFigures figures)
{
    public Task StoreAsync(Work work, string zoneId, string reference, string secret, DateTimeOffset now)
    {
        figures.Operations.Add();
        return CustodyStore.PutAsync(work, zoneId, reference, Css1Envelope.Seal(keks, reference, Encoding.UTF8.GetBytes(secret)), now);
    }

    /// <summary>The sealed text; null when nothing is stored, or it cannot be opened.</summary>
    public async Task<(bool Stored, string? Text)> OpenAsync(string zoneId, string reference)
    {
        var envelope = await changes.Database.ReadAsync(connection => CustodyStore.FindAsync(connection, zoneId, reference));
        return envelope is null ? (false, null) : (true, Open(reference, envelope));
    }

    public string? Open(string reference, byte[] envelope)
    {
        figures.Operations.Add();
        if (Css1Envelope.Open(keks, reference, envelope, out var plaintext) != Css1Outcome.Opened)
        {
            figures.Errors.Add();
            return null;
        }

        using (plaintext) return Encoding.UTF8.GetString(plaintext!.Span);
    }

    /// <summary>Opens a secret for its owner: the event <c>credential_revealed</c> commits first (api.md 5).</summary>
    /// <param name="call">Who asks.</param>
    /// <param name="reference">Where it is sealed.</param>
    /// <param name="notStored">Answered when nothing is kept there.</param>
    /// <param name="member">Name of the secret in the answer.</param>
    /// <param name="metadata">What the event says: (name, value) pairs.</param>
    public async Task<Answer> RevealAsync(ApiCall call, string reference, Refusal notStored, string member, params (string Name, string Value)[] metadata)
    {
        var (stored, secret) = await OpenAsync(call.ZoneId, reference);
        if (!stored) return notStored;
        if (secret is null) return ControlPlaneErrors.SecretBackendUnavailable;
        await changes.Database.WriteAsync(WriteKind.Bookkeeping, work => changes.AnnounceAuditAsync(work, new AuditEvent
        {
            Id = Ids.New(),
            ZoneId = call.ZoneId,
            EventType = AuditEventTypes.CredentialRevealed,
            RequestId = call.RequestId,
            Decision = AuditDecisions.Allow,
            MetadataJson = AuditMetadata.Of([.. metadata, ("actor", call.Caller.Actor)]),
            OccurredAt = call.Now,
        }));
        return Answer.Ok(JsonRows.Object(writer => writer.WriteString(member, secret)));
    }
}
