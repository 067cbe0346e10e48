using System.Globalization;

namespace Caracal.Cli.Processes;

/// <summary>What <c>/proc/&lt;pid&gt;/stat</c> says: CPU time, resident memory, start time.</summary>
internal readonly record struct ProcStat(bool IsAlive, long CpuTicks, long StartTicks, long ResidentPages)
{
    /// <summary>USER_HZ, which Linux fixes at 100 for user space on every architecture.</summary>
    public const int TicksPerSecond = 100;

    public double CpuMicroseconds => CpuTicks * (1_000_000.0 / TicksPerSecond);

    public double ResidentMegabytes => ResidentPages * (double)System.Environment.SystemPageSize / (1024 * 1024);

    public static ProcStat? Read(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            // The name in brackets may hold anything; fields are counted after its end. Field 3 is the state.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return new ProcStat(
                fields[0] is not ("Z" or "X"),
                Number(fields[11]) + Number(fields[12]),
                Number(fields[19]),
                Number(fields[21]));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static long Number(string field) => long.Parse(field, CultureInfo.InvariantCulture);
}
