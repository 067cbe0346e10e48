using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.ScheduledRotations;

/// <summary>Log lines of the schedule; the steps themselves are told as <c>key_rotation</c> like everybody's.</summary>
internal static partial class ScheduleLog
{
    [LoggerMessage(EventId = 3031, EventName = "key_rotation_announced", Level = LogLevel.Information, Message = "{Class} {Sid} reaches its age at {DueAt:O} and is rotated from {BeginsAt:O} on")]
    public static partial void Announced(ILogger logger, string @class, string sid, DateTimeOffset? dueAt, DateTimeOffset? beginsAt);

    [LoggerMessage(EventId = 3032, EventName = "key_rotation_stalled", Level = LogLevel.Warning, Message = "the scheduled rotation of {Class} does not go on: {Reason}")]
    public static partial void Stalled(ILogger logger, string @class, string reason);

    [LoggerMessage(EventId = 3033, EventName = "key_rotation_not_scheduled", Level = LogLevel.Warning, Message = "{Class} is not rotated by the schedule: {Reason}")]
    public static partial void NotScheduled(ILogger logger, string @class, string reason);

    [LoggerMessage(EventId = 3034, EventName = "key_rotation_zone", Level = LogLevel.Information, Message = "scheduled {Step} of the signing key of zone {Zone}: {Result}")]
    public static partial void Zone(ILogger logger, string step, string zone, string result);
}
