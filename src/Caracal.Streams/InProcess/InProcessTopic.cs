namespace Caracal.Streams.InProcess;

/// <summary>One topic with its groups. Every member takes the same lock, which is short but where entries are kept on disk.</summary>
internal sealed class InProcessTopic
{
    private readonly Lock _lock = new();
    private readonly string _name;
    private readonly TimeProvider _time;
    private readonly EntryFolder? _folder;
    private readonly SortedList<EntryId, StreamEntry> _entries = [];
    private readonly Dictionary<string, Group> _groups = new(StringComparer.Ordinal);
    private TaskCompletionSource _appended = NewSignal();
    private EntryId _last;
    private bool _isBounded;

    public InProcessTopic(string name, TimeProvider time, EntryFolder? folder = null)
    {
        _name = name;
        _time = time;
        _folder = folder;
        foreach (var (id, fields) in folder?.Load() ?? [])
        {
            _entries.Add(id, new StreamEntry(name, id.ToString(), fields));
            _last = id;
        }
    }

    /// <summary>Whether entries stay that every group is done with. Those of a topic with a bound do so too, up to it.</summary>
    public bool KeepsSettled { get; init; }

    /// <summary>Completes at the next append.</summary>
    public Task Appended
    {
        get
        {
            lock (_lock)
            {
                return _appended.Task;
            }
        }
    }

    public long Length
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    public GroupBacklog Backlog(string group)
    {
        lock (_lock)
        {
            var reader = _groups.GetValueOrDefault(group);
            var next = reader is null ? 0 : FirstAfter(reader.Last);
            var pending = reader?.Pending.Count ?? 0;
            var oldest = pending > 0 ? reader!.Pending.First().Key.ToString() : next < _entries.Count ? _entries.Keys[next].ToString() : null;
            return new GroupBacklog(_entries.Count - next, pending, oldest);
        }
    }

    public string Append(IReadOnlyList<KeyValuePair<string, string>> fields, long? maximumLength)
    {
        TaskCompletionSource signal;
        string id;
        lock (_lock)
        {
            var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
            _last = now > _last.Milliseconds ? new EntryId(now, 0) : new EntryId(_last.Milliseconds, _last.Sequence + 1);
            id = _last.ToString();
            _folder?.Keep(_last, fields);
            _entries.Add(_last, new StreamEntry(_name, id, fields));
            _isBounded |= maximumLength is not null;
            Trim(maximumLength);
            signal = _appended;
            _appended = NewSignal();
        }

        signal.SetResult();
        return id;
    }

    public void EnsureGroup(string group, bool fromBeginning, bool shared)
    {
        lock (_lock)
        {
            _groups.TryAdd(group, new Group(fromBeginning ? default : _last, shared));
        }
    }

    public void RemoveGroup(string group)
    {
        lock (_lock)
        {
            if (_groups.Remove(group, out var removed))
            {
                removed.Abandon();
                foreach (var id in _entries.Keys.ToArray()) RemoveSettled(id);
            }
        }
    }

    public void Take(string group, int count, List<StreamEntry> into)
    {
        lock (_lock)
        {
            if (!_groups.TryGetValue(group, out var reader))
            {
                return;
            }

            for (var i = FirstAfter(reader.Last); i < _entries.Count && count > 0; i++, count--)
            {
                var id = _entries.Keys[i];
                reader.Last = id;
                reader.Pending[id] = _time.GetTimestamp();
                into.Add(_entries.Values[i]);
            }
        }
    }

    public IReadOnlyList<StreamEntry> Claim(string group, TimeSpan idle, int count)
    {
        lock (_lock)
        {
            if (!_groups.TryGetValue(group, out var reader))
            {
                return [];
            }

            var claimed = new List<StreamEntry>();
            foreach (var (id, delivered) in reader.Pending.ToArray())
            {
                if (claimed.Count == count)
                {
                    break;
                }

                if (!_entries.TryGetValue(id, out var entry))
                {
                    reader.Settle(id);
                }
                else if (_time.GetElapsedTime(delivered) >= idle)
                {
                    reader.Pending[id] = _time.GetTimestamp();
                    claimed.Add(entry);
                }
            }

            return claimed;
        }
    }

    public void Acknowledge(string group, string id)
    {
        lock (_lock)
        {
            if (_groups.TryGetValue(group, out var reader))
            {
                var settled = EntryId.Parse(id);
                reader.Settle(settled);
                RemoveSettled(settled);
            }
        }
    }

    public Task SettledAsync(string id, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var waits = _groups.Values.Where(g => g.Shared).Select(g => g.SettledAsync(EntryId.Parse(id))).ToArray();
            return waits.Length == 0 ? Task.CompletedTask : Task.WhenAll(waits).WaitAsync(cancellationToken);
        }
    }

    public IReadOnlyList<StreamEntry> Range(string? afterId, int count)
    {
        lock (_lock)
        {
            var from = afterId is null ? 0 : FirstAfter(EntryId.Parse(afterId));
            return [.. _entries.Values.Skip(from).Take(count)];
        }
    }

    public void Delete(string id)
    {
        lock (_lock)
        {
            var removed = EntryId.Parse(id);
            _folder?.Remove(removed);
            _entries.Remove(removed);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Without a bound nothing else would ever remove it.
    private void RemoveSettled(EntryId id)
    {
        if (!KeepsSettled && !_isBounded && _groups.Count > 0 && _groups.Values.All(group => group.HasSettled(id)))
        {
            _entries.Remove(id);
        }
    }

    // Trimming moves the array behind the list, so it waits until a tenth too many have come together.
    private void Trim(long? maximumLength)
    {
        if (maximumLength is not { } limit || _entries.Count <= limit + (limit / 10))
        {
            return;
        }

        while (_entries.Count > limit)
        {
            _entries.RemoveAt(0);
        }
    }

    private int FirstAfter(EntryId id)
    {
        int low = 0, high = _entries.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_entries.Keys[middle].CompareTo(id) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private sealed class Group(EntryId last, bool shared)
    {
        private readonly Dictionary<EntryId, TaskCompletionSource> _waiting = [];

        public bool Shared { get; } = shared;

        public EntryId Last { get; set; } = last;

        public SortedDictionary<EntryId, long> Pending { get; } = [];

        public bool HasSettled(EntryId id) => id.CompareTo(Last) <= 0 && !Pending.ContainsKey(id);

        public Task SettledAsync(EntryId id)
        {
            if (HasSettled(id))
            {
                return Task.CompletedTask;
            }

            if (!_waiting.TryGetValue(id, out var waiting))
            {
                _waiting[id] = waiting = NewSignal();
            }

            return waiting.Task;
        }

        public void Settle(EntryId id)
        {
            Pending.Remove(id);
            if (_waiting.Remove(id, out var waiting))
            {
                waiting.SetResult();
            }
        }

        public void Abandon()
        {
            foreach (var waiting in _waiting.Values)
            {
                waiting.TrySetException(new StreamsUnavailableException("the group that had to take the message is gone"));
            }
        }
    }
}
