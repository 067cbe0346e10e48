using System.Runtime.ExceptionServices;
using System.Text.Json;

namespace Caracal.Evidence.Journals;

// Spool files of v1.0 and of other producers: one event per line. They are taken into the journal and removed (audit.md 12).
internal sealed class SpoolFiles(string directory, int maxLineBytes)
{
    private long badLines;

    public long BadLines => Interlocked.Read(ref badLines);

    public async Task<int> DrainAsync(Journal journal, CancellationToken ct)
    {
        var taken = 0;
        ExceptionDispatchInfo? failure = null;
        foreach (var file in new DirectoryInfo(directory).GetFiles("*.ndjson").OrderBy(file => file.LastWriteTimeUtc))
        {
            if (journal.SyncFailed) break; // They stay: of what is appended now nobody knows whether it would survive.
            try
            {
                taken += await DrainAsync(file.FullName, journal, ct);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                failure ??= ExceptionDispatchInfo.Capture(exception); // The others may be readable.
            }
        }

        failure?.Throw();
        return taken;
    }

    private async Task<int> DrainAsync(string path, Journal journal, CancellationToken ct)
    {
        var content = await File.ReadAllBytesAsync(path, ct);
        var taken = 0;
        var bad = new List<ReadOnlyMemory<byte>>();
        for (var at = 0; at < content.Length;)
        {
            var newline = content.AsSpan(at).IndexOf((byte)'\n');
            var line = content.AsMemory(at, newline < 0 ? content.Length - at : newline);
            at += line.Length + 1;
            if (line.Span.Trim(" \r\t"u8).IsEmpty) continue;
            if (!IsObject(line.Span))
            {
                bad.Add(line);
                continue;
            }

            await journal.AppendAsync(line);
            taken++;
        }

        await KeepAsync(path + ".bad", bad, ct);

        // Deleted only once the journal's copy is on disk; a crash in between costs duplicates, not events.
        await journal.SyncAsync();
        File.Delete(path);
        return taken;
    }

    private bool IsObject(ReadOnlySpan<byte> line)
    {
        if (line.Length > maxLineBytes) return false;
        var reader = new Utf8JsonReader(line);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            reader.Skip();
            return !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private async Task KeepAsync(string path, List<ReadOnlyMemory<byte>> lines, CancellationToken ct)
    {
        if (lines.Count == 0) return;
        Interlocked.Add(ref badLines, lines.Count);
        await using var file = JournalDirectory.OpenOwnerOnly(path, FileMode.OpenOrCreate, FileShare.Read);
        file.Seek(0, SeekOrigin.End);
        foreach (var line in lines)
        {
            await file.WriteAsync(line, ct);
            await file.WriteAsync("\n"u8.ToArray(), ct);
        }

        file.Flush(flushToDisk: true);
    }
}
