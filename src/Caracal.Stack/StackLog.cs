using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>Log lines of the composition.</summary>
internal static partial class StackLog
{
    [LoggerMessage(EventId = 6000, EventName = "audit_sink_failed", Level = LogLevel.Warning, Message = "audit events could not be shipped; they stay in the journal and are tried again")]
    public static partial void SinkFailed(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 6001, EventName = "audit_events_lost", Level = LogLevel.Error, Message = "audit events lost: stream and disk persistence both failed")]
    public static partial void EventsLost(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 6002, EventName = "clock_unmeasured", Level = LogLevel.Warning, Message = "the database clock could not be measured")]
    public static partial void ClockUnmeasured(ILogger logger, Exception fault);

    [LoggerMessage(EventId = 6003, EventName = "shutdown_step_completed", Level = LogLevel.Information, Message = "shutdown step {Step} completed")]
    public static partial void StepCompleted(ILogger logger, string step);

    [LoggerMessage(EventId = 6004, EventName = "settings_warning", Level = LogLevel.Warning, Message = "{Role}: {Warning}")]
    public static partial void SettingsWarning(ILogger logger, string role, string warning);
}
