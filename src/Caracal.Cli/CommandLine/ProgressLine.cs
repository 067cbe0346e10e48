using System.Globalization;

namespace Caracal.Cli.CommandLine;

/// <summary>How far long work is, on one line of standard error that is written over; nothing where that is no terminal.</summary>
internal sealed class ProgressLine : IProgress<(long Done, long Total)>
{
    private const int Width = 30;

    private readonly Terminal? _terminal;
    private readonly string _unit;
    private int _percent = -1;

    /// <param name="context">Where; <c>--json</c> shows none.</param>
    /// <param name="unit">What is counted.</param>
    public ProgressLine(CommandContext context, string unit)
    {
        _terminal = context.Json || System.Console.IsErrorRedirected ? null : context.Terminal;
        _unit = unit;
    }

    public void Report((long Done, long Total) value)
    {
        var percent = value.Total <= 0 ? 100 : (int)Math.Min(100, value.Done * 100 / value.Total);
        if (percent == _percent) return;
        _percent = percent;
        _terminal?.WriteError("\r" + Text(value.Done, value.Total, percent, _unit));
    }

    /// <summary>Leaves the line.</summary>
    public void End()
    {
        if (_percent >= 0) _terminal?.WriteError("\n");
    }

    internal static string Text(long done, long total, int percent, string unit) => string.Create(
        CultureInfo.InvariantCulture, $"[{new string('#', percent * Width / 100).PadRight(Width, '.')}] {percent,3} % {done:N0} of {total:N0} {unit}");
}
