using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench.Proxy;

/// <summary>A proxy in processes of its own.</summary>
internal interface IMeasuredProxy : IAsyncDisposable
{
    string Url { get; }

    /// <summary>What its processes have used so far.</summary>
    ProcessUse Use();
}

/// <summary>CPU time since their start and resident memory of one or several processes.</summary>
internal readonly record struct ProcessUse(double CpuMicroseconds, double ResidentMegabytes)
{
    public static ProcessUse None { get; }

    public static ProcessUse Of(int pid) => ProcStat.Read(pid) is { } stat ? new(stat.CpuMicroseconds, stat.ResidentMegabytes) : None;

    public static ProcessUse operator +(ProcessUse a, ProcessUse b) =>
        new(a.CpuMicroseconds + b.CpuMicroseconds, a.ResidentMegabytes + b.ResidentMegabytes);
}
