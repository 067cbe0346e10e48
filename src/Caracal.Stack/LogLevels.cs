using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>The words of <c>LOG_LEVEL</c>.</summary>
internal static class LogLevels
{
    public static LogLevel Parse(string? text) => text?.Trim().ToLowerInvariant() switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "warn" or "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "fatal" => LogLevel.Critical,
        _ => LogLevel.Information,
    };
}
