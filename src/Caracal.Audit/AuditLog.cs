using Caracal.Evidence.Ledger;
using Microsoft.Extensions.Logging;

// SYSLIB1015: the texts are fixed by alert rules; the other values travel as fields of the line.
#pragma warning disable SYSLIB1015

namespace Caracal.Audit;

/// <summary>Log lines of the Audit service; alert rules match these texts (audit.md 6, 14).</summary>
internal static partial class AuditLog
{
    [LoggerMessage(EventId = 5000, EventName = "content_mismatch", Level = LogLevel.Error, Message = "tamper: content hash mismatch")]
    public static partial void ContentMismatch(ILogger logger, string? eventId, string zoneId, long chainSeq);

    [LoggerMessage(EventId = 5001, EventName = "chain_break", Level = LogLevel.Error, Message = "tamper: chain break (prev hash mismatch) [chain_break]")]
    public static partial void ChainBreak(ILogger logger, string zoneId, long chainSeq, long prevSeq);

    [LoggerMessage(EventId = 5002, EventName = "hmac_mismatch", Level = LogLevel.Error, Message = "tamper: chain HMAC mismatch [hmac_mismatch]")]
    public static partial void HmacMismatch(ILogger logger, string? eventId, string zoneId, long chainSeq, string? hmacKeyId);

    [LoggerMessage(EventId = 5003, EventName = "hmac_key_unknown", Level = LogLevel.Warning, Message = "tamper: no key for row")]
    public static partial void KeyUnknown(ILogger logger, string hmacKeyId, string zoneId, long count);

    /// <summary>The end of a sweep. A clean one must not match an alert on the words above, so the field is named <c>breaks</c>.</summary>
    public static void SweepComplete(ILogger logger, bool full, string window, ChainReport report) => logger.Log(
        report.IsClean ? LogLevel.Information : LogLevel.Error,
        new EventId(5004, "tamper_sweep_complete"),
        (IReadOnlyList<KeyValuePair<string, object?>>)
        [
            new("full", full), new("window", window), new("checked", report.Checked), new("mismatches", report.Mismatches),
            new("breaks", report.Breaks), new("hmac_failures", report.HmacFailures),
        ],
        null,
        static (_, _) => "tamper sweep complete");

    [LoggerMessage(EventId = 5005, EventName = "audit_dead_lettered", Level = LogLevel.Error, Message = "audit event dead-lettered: {Reason}")]
    public static partial void DeadLettered(ILogger logger, string reason, string? eventId, string sourceId);

    [LoggerMessage(EventId = 5006, EventName = "audit_dlq_failed", Level = LogLevel.Error, Message = "dlq publish failed; leaving in PEL for retry")]
    public static partial void DeadLetterFailed(ILogger logger, Exception fault, string sourceId);

    [LoggerMessage(EventId = 5007, EventName = "audit_ingest_unhealthy", Level = LogLevel.Error, Message = "audit ingest cannot reach its stores; retrying")]
    public static partial void Unhealthy(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 5008, EventName = "stream_sig_mismatch", Level = LogLevel.Warning, Message = "audit entry carries a wrong stream signature; its audit signature decides")]
    public static partial void StreamSignatureMismatch(ILogger logger, string sourceId);

    [LoggerMessage(EventId = 5009, EventName = "tamper_sweep_failed", Level = LogLevel.Error, Message = "tamper sweep could not read the ledger")]
    public static partial void SweepFailed(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 5010, EventName = "checkpoint_refused", Level = LogLevel.Error, Message = "tamper: checkpoint not signed: {Reason}")]
    public static partial void CheckpointRefused(ILogger logger, string zoneId, long chainSeq, string reason);

    [LoggerMessage(EventId = 5011, EventName = "checkpoint_mismatch", Level = LogLevel.Error, Message = "tamper: rows do not give the signed checkpoint")]
    public static partial void CheckpointMismatch(ILogger logger, string zoneId, long chainSeq, string detail);

    [LoggerMessage(EventId = 5012, EventName = "export_written", Level = LogLevel.Information, Message = "audit export: {ObjectKey} holds {Events} events")]
    public static partial void ExportWritten(ILogger logger, string objectKey, long events, int zones);

    [LoggerMessage(EventId = 5013, EventName = "export_failed", Level = LogLevel.Error, Message = "audit export failed; the hour is tried again")]
    public static partial void ExportFailed(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 5014, EventName = "retention", Level = LogLevel.Information, Message = "audit retention: {Outcome}")]
    public static partial void RetentionDecided(ILogger logger, string outcome, DateTime month);

    [LoggerMessage(EventId = 5015, EventName = "feed_failed", Level = LogLevel.Warning, Message = "audit feed {Feed} is behind; its receiver took nothing, the events are told again")]
    public static partial void FeedFailed(ILogger logger, Exception fault, string feed);

    [LoggerMessage(EventId = 5016, EventName = "epoch_sealed", Level = LogLevel.Information, Message = "audit key rotation {RotationId}: {Chains} chains are sealed")]
    public static partial void EpochsSealed(ILogger logger, string rotationId, long chains);

    [LoggerMessage(EventId = 5017, EventName = "epoch_problem", Level = LogLevel.Error, Message = "tamper: audit key rotation {RotationId} found {Problems} problems in what it seals")]
    public static partial void EpochProblems(ILogger logger, string rotationId, long problems);

    [LoggerMessage(EventId = 5018, EventName = "cosignature_missing", Level = LogLevel.Warning, Message = "audit checkpoint not vouched for by {Source}: {Reason}")]
    public static partial void CosignatureMissing(ILogger logger, Exception? fault, string source, string reason);
}
