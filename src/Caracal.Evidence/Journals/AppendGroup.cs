namespace Caracal.Evidence.Journals;

// Records that arrived together, written by one system call and answered together.
internal sealed class AppendGroup(byte[] buffer)
{
    private TaskCompletionSource? completion;

    public byte[] Buffer { get; private set; } = buffer;

    public int Length { get; private set; }

    public int Records { get; private set; }

    public long PayloadBytes { get; private set; }

    /// <summary>Asked for under the writer's lock, before the group is written.</summary>
    public Task Completion =>
        (completion ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Add(ReadOnlySpan<byte> payload)
    {
        var needed = Length + JournalRecord.HeaderSize + payload.Length;
        if (needed > Buffer.Length)
        {
            var larger = new byte[Math.Max(needed, Buffer.Length * 2)];
            Buffer.AsSpan(0, Length).CopyTo(larger);
            Buffer = larger;
        }

        var target = Buffer.AsSpan(Length);
        JournalRecord.WriteHeader(target, payload);
        payload.CopyTo(target[JournalRecord.HeaderSize..]);
        Length = needed;
        Records++;
        PayloadBytes += payload.Length;
    }

    public void Complete(Exception? failure)
    {
        if (completion is null) return;
        if (failure is null) completion.TrySetResult();
        else completion.TrySetException(new JournalUnavailableException("the journal could not keep the event", failure));
    }
}
