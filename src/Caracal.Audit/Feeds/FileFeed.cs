using System.Text;
using Caracal.Evidence.Ledger;

namespace Caracal.Audit.Feeds;

/// <summary>Appends lines to a file, which whoever rotates it may move away at any time.</summary>
internal sealed class FileFeed(string path, FeedFormat format) : IFeedSink
{
    public string Name => "feed-file";

    public async Task SendAsync(IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        foreach (var row in rows) text.Append(FeedLines.Of(row, format)).Append('\n');
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        await using var file = new FileStream(path, options);

        // A line that a killed process left half is ended, so that the next one is whole.
        if (file.Length > 0)
        {
            file.Position = file.Length - 1;
            if (file.ReadByte() != '\n') file.WriteByte((byte)'\n');
        }

        await file.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
        file.Flush(flushToDisk: true);
    }
}
