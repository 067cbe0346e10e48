using System.Text;

namespace Caracal.Cli.Bench;

/// <summary>The file of answered calls: one request id a line, handed to the system before the next call begins.</summary>
internal sealed class AnswerRecord : IDisposable
{
    private readonly Lock gate = new();
    private readonly FileStream? file;

    public AnswerRecord(string? path) =>
        file = path is null ? null : new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);

    public void Add(string requestId)
    {
        if (file is null) return;
        var line = Encoding.ASCII.GetBytes(requestId + "\n");
        lock (gate) file.Write(line);
    }

    public void Dispose() => file?.Dispose();
}
