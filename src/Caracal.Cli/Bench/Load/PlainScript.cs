using System.Text;

namespace Caracal.Cli.Bench.Load;

/// <summary>One small GET.</summary>
internal sealed class PlainScript(Uri proxy) : CallScript
{
    private readonly byte[] request = Encoding.ASCII.GetBytes($"GET /reports?page=1 HTTP/1.1\r\nHost: {proxy.Authority}\r\n\r\n");

    public override IReadOnlyList<Uri> Services { get; } = [proxy];

    public override ReadOnlySpan<byte> Request(int step, ReadOnlySpan<byte> answer) => request;
}
