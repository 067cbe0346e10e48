using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench.Proxy;

/// <summary>A proxy in processes of its own.</summary>
internal interface IMeasuredProxy : IAsyncDisposable
{
    string Url { get; }

    /// <summary>What its processes have used so far.</summary>
    ProxyUse Use();
}

/// <summary>CPU time since their start and resident memory of one or several processes.</summary>
internal readonly record struct ProxyUse(double CpuMicroseconds, double ResidentMegabytes)
{
    public static ProxyUse None { get; }

    public static ProxyUse Of(int pid) => ProcStat.Read(pid) is { } stat ? new(stat.CpuMicroseconds, stat.ResidentMegabytes) : None;

    public static ProxyUse operator +(ProxyUse a, ProxyUse b) =>
        new(a.CpuMicroseconds + b.CpuMicroseconds, a.ResidentMegabytes + b.ResidentMegabytes);
}
