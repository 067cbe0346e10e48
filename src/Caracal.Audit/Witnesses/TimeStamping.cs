using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Text;
using Caracal.Audit.Checkpoints;
using Caracal.Audit.Feeds;
using Caracal.Evidence.Checkpoints;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Witnesses;

/// <summary>Lets a time-stamp authority say when a checkpoint existed (RFC 3161): over the text of its note, in an interval per zone.</summary>
/// <param name="store">Checkpoints, and what was said of them.</param>
/// <param name="settings">The authority, and how often.</param>
/// <param name="http">How it is asked.</param>
/// <param name="metrics">Counts.</param>
/// <param name="clock">Database time.</param>
/// <param name="logger">Refusals.</param>
internal sealed class TimeStamping(
    CheckpointStore store, CheckpointSettings settings, FeedHttp http, AuditMetrics metrics, DatabaseClock clock, ILogger logger)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const int NonceSize = 8;

    private readonly Dictionary<string, DateTimeOffset> _stamped = new(StringComparer.Ordinal);

    /// <summary>Asks for each zone whose last time-stamp is older than the interval, and whose tree has grown since.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var source = settings.TimeStampUrl!.AbsoluteUri;
        foreach (var (zone, _, size) in await store.HeadsAsync(cancellationToken))
        {
            if (size == 0 || (_stamped.TryGetValue(zone, out var at) && clock.Now - at < settings.TimeStampInterval)) continue;
            var last = await store.LastProofAsync(zone, CheckpointStore.TimeStamp, source, cancellationToken);
            if (await store.FindAsync(zone, null, cancellationToken) is not { } checkpoint || checkpoint.TreeSize <= last) continue;
            if (await AskAsync(checkpoint, cancellationToken) is not { } token) continue;
            await store.AppendProofAsync(zone, new CheckpointProof(CheckpointStore.TimeStamp, source, checkpoint.TreeSize, Convert.ToBase64String(token)), clock.Now, cancellationToken);
            _stamped[zone] = clock.Now;
            metrics.TimeStamps.Add();
        }
    }

    private async Task<byte[]?> AskAsync(StoredCheckpoint checkpoint, CancellationToken cancellationToken)
    {
        try
        {
            var text = Encoding.UTF8.GetBytes(SignedNote.Parse(checkpoint.Note)!.Text);
            var query = Rfc3161TimestampRequest.CreateFromData(
                text, HashAlgorithmName.SHA256, nonce: RandomNumberGenerator.GetBytes(NonceSize), requestSignerCertificates: true);
            using var content = new ByteArrayContent(query.Encode());
            content.Headers.ContentType = new MediaTypeHeaderValue("application/timestamp-query");
            using var request = new HttpRequestMessage(HttpMethod.Post, settings.TimeStampUrl) { Content = content };
            var (status, answer) = await http.AskAsync(request, cancellationToken);
            if (status != HttpStatusCode.OK) return Fail(string.Create(CultureInfo.InvariantCulture, $"it answered {(int)status}"), null);

            // Throws unless the answer grants, and is about this text and nonce.
            var token = query.ProcessResponse(answer, out _);
            if (!token.VerifySignatureForData(text, out var signer)) return Fail("its signature does not verify", null);
            return TimeStampTrust.Refuse(token, signer, settings.TimeStampAuthorities, clock.Now) is { } reason ? Fail(reason, null) : token.AsSignedCms().Encode();
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && fault is HttpRequestException or OperationCanceledException or IOException or CryptographicException)
        {
            return Fail("it could not be asked", fault);
        }
    }

    private byte[]? Fail(string reason, Exception? fault)
    {
        metrics.CosignFailures.Add();
        AuditLog.CosignatureMissing(logger, fault, settings.TimeStampUrl!.Host, reason);
        return null;
    }
}
