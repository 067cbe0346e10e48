using System.Text;
using System.Text.Json;
using Caracal.Hosting.Tracing;
using Microsoft.Extensions.Logging;

namespace Caracal.Hosting.Logging;

/// <summary>One JSON object a line on the given writer, redacted here and nowhere else (operations.md 6.4).</summary>
/// <param name="output">Standard error in production.</param>
/// <param name="minimum">The lowest level that is written.</param>
/// <param name="version">Build version.</param>
/// <param name="environment">Deployment environment.</param>
public sealed class JsonLineLogging(TextWriter output, LogLevel minimum, string version, string environment) : ILoggerProvider
{
    private const int MaximumFieldLength = 8_192;
    private readonly Lock _lock = new();
    private long _emitted;
    private long _dropped;

    /// <summary>Lines written so far.</summary>
    public long Emitted => Interlocked.Read(ref _emitted);

    /// <summary>Lines that the output did not take.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>A logger whose category, for example <c>sts</c>, becomes the field <c>service</c>.</summary>
    public ILogger CreateLogger(string categoryName) => new LineLogger(this, categoryName);

    public void Dispose()
    {
        // The writer belongs to whoever made it.
    }

    private void Write<TState>(
        string category, LogLevel level, EventId eventId, TState state, Exception? fault, Func<TState, Exception?, string> format)
    {
        using var buffer = new MemoryStream(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("time"u8, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
            writer.WriteString("level"u8, Name(level));
            writer.WriteString("service"u8, category);
            writer.WriteString("hostname"u8, Environment.MachineName);
            writer.WriteNumber("pid"u8, Environment.ProcessId);
            writer.WriteString("version"u8, version);
            writer.WriteString("env"u8, environment);
            if (eventId.Name is { } name)
            {
                writer.WriteString("event"u8, name);
            }

            WriteTrace(writer, state);
            writer.WriteString("msg"u8, Clean(format(state, null)));
            WriteFields(writer, state);
            WriteFault(writer, fault);
            writer.WriteEndObject();
        }

        var line = Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
        try
        {
            lock (_lock)
            {
                output.WriteLine(line);
                output.Flush();
            }

            Interlocked.Increment(ref _emitted);
        }
        catch (Exception refused) when (refused is IOException or ObjectDisposedException)
        {
            // A full disk or a reader that went away is no reason to refuse what the line tells of.
            Interlocked.Increment(ref _dropped);
        }
    }

    private static void WriteTrace<TState>(Utf8JsonWriter writer, TState state)
    {
        if (Spans.Current is not { } span) return;
        writer.WriteString("trace_id"u8, span.TraceId.ToHexString());
        writer.WriteString("span_id"u8, span.SpanId.ToHexString());
        if (Spans.RequestIdOf(span) is { } request && !NamesRequest(state)) writer.WriteString("request_id"u8, request);
    }

    private static bool NamesRequest<TState>(TState state)
    {
        if (state is not IReadOnlyList<KeyValuePair<string, object?>> fields) return false;
        foreach (var (name, _) in fields)
        {
            if (name is "RequestId" or "requestId" or "request_id") return true;
        }

        return false;
    }

    private static void WriteFields<TState>(Utf8JsonWriter writer, TState state)
    {
        if (state is not IReadOnlyList<KeyValuePair<string, object?>> fields)
        {
            return;
        }

        foreach (var (name, value) in fields)
        {
            if (name != "{OriginalFormat}" && value is not null)
            {
                writer.WritePropertyName(JsonNamingPolicy.SnakeCaseLower.ConvertName(name));
                WriteValue(writer, name, value);
            }
        }
    }

    // Counts are no secrets, whatever their name says: hmac_failures is a number.
    private static void WriteValue(Utf8JsonWriter writer, string name, object value)
    {
        switch (value)
        {
            case bool flag:
                writer.WriteBooleanValue(flag);
                break;
            case int or long:
                writer.WriteNumberValue(Convert.ToInt64(value));
                break;
            case IEnumerable<string> texts when !Redaction.IsSecretField(name):
                writer.WriteStartArray();
                foreach (var text in texts)
                {
                    writer.WriteStringValue(Clean(text));
                }

                writer.WriteEndArray();
                break;
            default:
                writer.WriteStringValue(Redaction.IsSecretField(name) ? "***" : Clean(value.ToString() ?? ""));
                break;
        }
    }

    // The type and the place help; the message of a foreign exception may quote anything.
    private static void WriteFault(Utf8JsonWriter writer, Exception? fault)
    {
        if (fault is null)
        {
            return;
        }

        writer.WriteString("error_class"u8, fault.GetType().Name);
        writer.WriteString("error"u8, Clean(fault.Message));
        writer.WriteString("stack"u8, Clean(fault.StackTrace ?? ""));
    }

    private static string Clean(string text) =>
        Redaction.Scrub(text.Length > MaximumFieldLength ? text[..MaximumFieldLength] : text);

    private static string Name(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "fatal",
    };

    private sealed class LineLogger(JsonLineLogging owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= owner.Minimum && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                owner.Write(category, logLevel, eventId, state, exception, formatter);
            }
        }
    }

    private LogLevel Minimum => minimum;
}
