namespace Caracal.Evidence.Journals;

// The thread that calls fsync: a blocking call of milliseconds has no place on a request or pool thread.
internal sealed class SegmentSync : IDisposable
{
    private readonly Lock gate = new();
    private readonly AutoResetEvent wake = new(initialState: false);
    private readonly JournalDirectory directory;
    private readonly JournalOptions options;
    private readonly Thread thread;
    private List<AppendGroup> waiting = [];
    private List<TaskCompletionSource> requests = [];
    private List<FileStream> retired = [];
    private FileStream? current;
    private bool dirty;
    private bool newFile;
    private bool stopping;
    private volatile Exception? failure;

    public SegmentSync(JournalDirectory directory, JournalOptions options)
    {
        this.directory = directory;
        this.options = options;
        thread = new Thread(Run) { IsBackground = true, Name = "journal-fsync" };
        thread.Start();
    }

    /// <summary>
    /// An fsync failed: what it covered may not survive a power cut, and no later success mends that, because the system tells of
    /// lost pages once. From then on whoever waits for one is told that it failed.
    /// </summary>
    public bool Failed => failure is not null;

    public void Replace(FileStream? old, FileStream opened)
    {
        lock (gate)
        {
            if (old is not null) retired.Add(old);
            current = opened;
            newFile = true;
        }
    }

    public void Touch()
    {
        lock (gate)
        {
            if (dirty) return;
            dirty = true;
        }

        // Only the first write since the last fsync starts the interval; an idle journal wakes nobody.
        if (options.Fsync == JournalFsync.Interval) wake.Set();
    }

    public void Enqueue(AppendGroup group)
    {
        lock (gate) waiting.Add(group);
        wake.Set();
    }

    public Task RequestAsync()
    {
        var request = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (stopping) throw new JournalUnavailableException("the journal is closed");
            requests.Add(request);
        }

        wake.Set();
        return request.Task;
    }

    public void Dispose()
    {
        lock (gate) stopping = true;
        wake.Set();
        thread.Join();
        wake.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            wake.WaitOne();
            if (options.Fsync == JournalFsync.Interval && !IsUrgent()) wake.WaitOne(options.FsyncInterval);
            var work = Take();
            Sync(work);
            foreach (var group in work.Groups) group.Complete(failure);
            foreach (var request in work.Requests)
            {
                if (failure is null) request.TrySetResult();
                else request.TrySetException(new JournalUnavailableException("the journal could not be synced", failure));
            }

            if (work.Last) return;
        }
    }

    private bool IsUrgent()
    {
        lock (gate) return stopping || requests.Count > 0;
    }

    private Work Take()
    {
        lock (gate)
        {
            var work = new Work(waiting, requests, retired, dirty || newFile ? current : null, newFile, stopping);
            if (waiting.Count > 0) waiting = [];
            if (requests.Count > 0) requests = [];
            if (retired.Count > 0) retired = [];
            dirty = newFile = false;
            return work;
        }
    }

    private void Sync(Work work)
    {
        foreach (var old in work.Retired)
        {
            Remember(Flush(old));
            old.Dispose();
        }

        if (work.Current is not null) Remember(Flush(work.Current));
        if (work.NewFile) Remember(Try(directory.Sync));
    }

    private void Remember(Exception? fault) => failure ??= fault;

    private static Exception? Flush(FileStream file) => Try(() => RandomAccess.FlushToDisk(file.SafeFileHandle));

    private static Exception? Try(Action action)
    {
        try
        {
            action();
            return null;
        }
#pragma warning disable CA1031 // Whatever it was: nothing that waits for this may be told that it is safe.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception;
        }
    }

    private sealed record Work(
        List<AppendGroup> Groups, List<TaskCompletionSource> Requests, List<FileStream> Retired, FileStream? Current, bool NewFile, bool Last);
}
