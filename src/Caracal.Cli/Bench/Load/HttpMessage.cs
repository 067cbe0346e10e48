using System.Buffers.Text;
using System.Text;

namespace Caracal.Cli.Bench.Load;

/// <summary>A request or an answer as it arrived.</summary>
internal readonly ref struct HttpMessage(ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
{
    private readonly ReadOnlySpan<byte> head = head;

    public ReadOnlySpan<byte> Body { get; } = body;

    /// <summary>Of an answer; 0 when there is none.</summary>
    public int Status => head.Length > 12 && Utf8Parser.TryParse(head[9..12], out int status, out _) ? status : 0;

    public string RequestId => Encoding.ASCII.GetString(Header(head, "X-Request-Id"u8));

    /// <summary>A header's value; empty when it is absent.</summary>
    public static ReadOnlySpan<byte> Header(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        foreach (var range in head.Split("\r\n"u8))
        {
            var line = head[range];
            if (line.Length > name.Length && line[name.Length] == ':' && Ascii.EqualsIgnoreCase(line[..name.Length], name)) return line[(name.Length + 1)..].Trim((byte)' ');
        }

        return default;
    }
}
