using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Feeds;

/// <summary>RFC 5424 messages over TCP, framed by octet counting (RFC 6587). Syslog acknowledges nothing: what the connection took counts as told.</summary>
internal sealed class SyslogFeed((string Host, int Port) server, FeedFormat format) : IFeedSink
{
    // Facility 13, log audit; severity 4 for a denial, else 6.
    private const int Facility = 13 * 8;

    public string Name => "feed-syslog";

    public async Task SendAsync(IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server.Host, server.Port, cancellationToken);
        await using var stream = client.GetStream();
        using var frames = new MemoryStream();
        foreach (var row in rows)
        {
            var message = Encoding.UTF8.GetBytes(string.Create(
                CultureInfo.InvariantCulture,
                $"<{Facility + (FeedLines.IsDeny(row) ? 4 : 6)}>1 {Rfc3339.Microseconds(row.Entry.OccurredAt)} {Environment.MachineName} caracal - audit - {FeedLines.Of(row, format)}"));
            frames.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{message.Length} ")));
            frames.Write(message);
        }

        await stream.WriteAsync(frames.GetBuffer().AsMemory(0, (int)frames.Length), cancellationToken);
        client.Client.Shutdown(SocketShutdown.Send);

        // The server closes when it has read everything; one that resets has not.
        while (await stream.ReadAsync(new byte[256], cancellationToken) > 0)
        {
            // It has nothing to say.
        }
    }
}
