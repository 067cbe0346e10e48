using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>Log lines of the composition.</summary>
internal static partial class StackLog
{
    [LoggerMessage(EventId = 6000, EventName = "audit_sink_failed", Level = LogLevel.Warning, Message = "audit events could not be shipped; they stay in the journal and are tried again")]
    public static partial void SinkFailed(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 6018, EventName = "audit_journal_drained", Level = LogLevel.Information, Message = "the {Count} audit events that waited in the journal are shipped")]
    public static partial void SinkRecovered(ILogger logger, long count);

    [LoggerMessage(EventId = 6001, EventName = "audit_events_lost", Level = LogLevel.Error, Message = "audit events lost: stream and disk persistence both failed")]
    public static partial void EventsLost(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 6002, EventName = "clock_unmeasured", Level = LogLevel.Warning, Message = "the database clock could not be measured")]
    public static partial void ClockUnmeasured(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 6003, EventName = "shutdown_step_completed", Level = LogLevel.Information, Message = "shutdown step {Step} completed")]
    public static partial void StepCompleted(ILogger logger, string step);

    [LoggerMessage(EventId = 6005, EventName = "store_awaited", Level = LogLevel.Warning, Message = "{Role}: a store does not answer yet; the start waits for it")]
    public static partial void StoreAwaited(ILogger logger, Exception fault, string role);

    [LoggerMessage(EventId = 6011, EventName = "schema_outdated", Level = LogLevel.Warning, Message = "{Role}: the migrations of this version are not all applied (caracal migrate); the start waits for them")]
    public static partial void SchemaAwaited(ILogger logger, string role);

    [LoggerMessage(EventId = 6006, EventName = "stream_group_recreated", Level = LogLevel.Warning, Message = "group {Group} of {Topic} was gone and was made again")]
    public static partial void GroupRecreated(ILogger logger, string topic, string group);

    [LoggerMessage(EventId = 6007, EventName = "stream_group_swept", Level = LogLevel.Information, Message = "group {Group} of {Topic} belonged to an instance that is gone and was removed")]
    public static partial void GroupSwept(ILogger logger, string topic, string group);

    [LoggerMessage(EventId = 6008, EventName = "stream_group_not_waited_for", Level = LogLevel.Warning, Message = "group {Group} of {Topic} has no reader; what it has not read may be trimmed")]
    public static partial void GroupNotWaitedFor(ILogger logger, string topic, string group);

    [LoggerMessage(EventId = 6009, EventName = "redis_eviction_unsafe", Message = "maxmemory-policy is {Policy}; required=noeviction, or marks and evidence are lost when Redis is full")]
    public static partial void EvictionUnsafe(ILogger logger, LogLevel level, string policy);

    [LoggerMessage(EventId = 6010, EventName = "streams_unmeasured", Level = LogLevel.Debug, Message = "{Role}: the streams could not be measured: {Reason}")]
    public static partial void StreamsUnmeasured(ILogger logger, string role, string reason);

    [LoggerMessage(EventId = 6004, EventName = "settings_warning", Level = LogLevel.Warning, Message = "{Role}: {Warning}")]
    public static partial void SettingsWarning(ILogger logger, string role, string warning);

    [LoggerMessage(EventId = 6012, EventName = "secret_reloaded", Level = LogLevel.Information, Message = "{Role}: {Class} has new slots: {Slots}")]
    public static partial void SecretReloaded(ILogger logger, string role, string @class, string slots);

    [LoggerMessage(EventId = 6013, EventName = "secret_reload_rejected", Level = LogLevel.Error, Message = "{Role}: {Class} keeps its keys, the new content was refused: {Reason}")]
    public static partial void SecretReloadRejected(ILogger logger, string role, string @class, string reason);

    [LoggerMessage(EventId = 6014, EventName = "secrets_folder_unwatched", Level = LogLevel.Warning, Message = "{Folder} cannot be watched; its files are read at the interval alone")]
    public static partial void FolderUnwatched(ILogger logger, Exception fault, string folder);

    [LoggerMessage(EventId = 6016, EventName = "hardening_drift", Level = LogLevel.Error, Message = "hardening check {Check} fails and did not at the last look: {Detail}")]
    public static partial void HardeningDrift(ILogger logger, string check, string detail);

    [LoggerMessage(EventId = 6017, EventName = "instance_not_reported", Level = LogLevel.Warning, Message = "this instance and its keys could not be reported: {Reason}")]
    public static partial void InstanceNotReported(ILogger logger, string reason);

    /// <summary>One line with every problem (operations.md 2.3); <paramref name="problems"/> is a field of its own.</summary>
    [LoggerMessage(EventId = 6015, EventName = "startup_config_invalid", Level = LogLevel.Error, Message = "the configuration must not start: {Problems}")]
    public static partial void ConfigurationRefused(ILogger logger, IReadOnlyList<string> problems);

    [LoggerMessage(EventId = 6019, EventName = "key_not_registered", Message = "{Role}: key_not_registered: {Class} {Sid}{State}; use caracal keys prepare, or keys adopt after disaster recovery")]
    public static partial void KeyNotRegistered(ILogger logger, LogLevel level, string role, string @class, string sid, string state);
}
