using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Logging;

/// <summary>Log lines every service shares.</summary>
public static partial class ServiceLog
{
    /// <summary>The reason, and the event, of a stream message whose signature does not hold.</summary>
    public const string SignatureInvalid = "stream_signature_invalid";

    [LoggerMessage(EventId = 1000, EventName = "unhandled_fault", Level = LogLevel.Error, Message = "unhandled route error in {Role}, request {RequestId}")]
    public static partial void UnhandledFault(ILogger logger, Exception fault, string role, string requestId);

    [LoggerMessage(EventId = 1001, EventName = "job_failed", Level = LogLevel.Error, Message = "job {Job} failed; it runs again at its next time")]
    public static partial void JobFailed(ILogger logger, Exception fault, string job);

    [LoggerMessage(EventId = 1002, EventName = "listening", Level = LogLevel.Information, Message = "{Role} listening on {Address}, port {Port}, TLS {Tls}")]
    public static partial void Listening(ILogger logger, string role, string address, int port, bool tls);

    /// <summary>The line for a listener at <paramref name="address"/>.</summary>
    public static void Listening(ILogger logger, string role, string address)
    {
        var url = new Uri(address);
        Listening(logger, role, address, url.Port, url.Scheme == Uri.UriSchemeHttps);
    }

    [LoggerMessage(EventId = 1003, EventName = "shutting_down", Level = LogLevel.Information, Message = "{Role} shutting down")]
    public static partial void ShuttingDown(ILogger logger, string role);

    /// <summary>A message that was not taken; one that nobody we know has signed has an event of its own.</summary>
    public static void StreamMessageRefused(ILogger logger, string topic, string entryId, string reason)
    {
        if (reason == SignatureInvalid) StreamSignatureInvalid(logger, topic, entryId);
        else MessageRefused(logger, topic, entryId, reason);
    }

    [LoggerMessage(EventId = 1004, EventName = "stream_message_refused", Level = LogLevel.Warning, Message = "stream {Topic} entry {EntryId}: {Reason}")]
    private static partial void MessageRefused(ILogger logger, string topic, string entryId, string reason);

    [LoggerMessage(EventId = 1010, EventName = SignatureInvalid, Level = LogLevel.Error, Message = "stream {Topic} entry {EntryId} carries no signature of a key that is known here; it is put aside")]
    private static partial void StreamSignatureInvalid(ILogger logger, string topic, string entryId);

    [LoggerMessage(EventId = 1011, EventName = "outbox_rows_dead", Level = LogLevel.Error, Message = "outbox row {RowId} for {Topic} was given up: nobody hears of it until it is requeued")]
    public static partial void OutboxRowDead(ILogger logger, string topic, string rowId);

    /// <summary>A job that one of all replicas does has found, or lost, its doer.</summary>
    public static void LeadChanged(ILogger logger, string role, string job, bool leads)
    {
        if (leads) LeaderAcquired(logger, role, job);
        else LeaderLost(logger, role, job);
    }

    [LoggerMessage(EventId = 1012, EventName = "leader_acquired", Level = LogLevel.Information, Message = "this {Role} leads {Job} from now on")]
    private static partial void LeaderAcquired(ILogger logger, string role, string job);

    [LoggerMessage(EventId = 1013, EventName = "leader_lost", Level = LogLevel.Information, Message = "this {Role} leads {Job} no more")]
    private static partial void LeaderLost(ILogger logger, string role, string job);

    [LoggerMessage(EventId = 1005, EventName = "outbox_publish_failed", Level = LogLevel.Warning, Message = "outbox row {RowId} for {Topic} was not published: {Reason}")]
    public static partial void OutboxPublishFailed(ILogger logger, string topic, string rowId, string reason);

    [LoggerMessage(EventId = 1006, EventName = "certificate_reloaded", Level = LogLevel.Information, Message = "the listener's certificate was read anew; it expires {ExpiresAt:O}")]
    public static partial void CertificateReloaded(ILogger logger, DateTimeOffset expiresAt);

    [LoggerMessage(EventId = 1007, EventName = "certificate_refused", Level = LogLevel.Warning, Message = "the listener's certificate files changed and do not make a usable pair ({Cause}); the old one stays")]
    public static partial void CertificateRefused(ILogger logger, string cause);

    /// <summary>A reason why a role is not ready, when it begins to hold: <c>ready_postgres_unreachable</c> and so on.</summary>
    public static void NotReady(ILogger logger, Exception? fault, string role, string reason) => logger.Log(
        LogLevel.Warning,
        new EventId(1008, "ready_" + reason),
        (IReadOnlyList<KeyValuePair<string, object?>>)[new("role", role), new("reason", reason)],
        fault,
        (_, _) => $"{role} is not ready: {reason}");

    [LoggerMessage(EventId = 1009, EventName = "ready_again", Level = LogLevel.Information, Message = "{Role} is ready again")]
    public static partial void Ready(ILogger logger, string role);
}
