namespace Caracal.Streams.State;

/// <summary>
/// A set of marks of 96 bits, each with an end: the caller's clock, at least 1, counted in whatever unit it likes. Marks lie in
/// arrays without references, 16 bytes each, so that millions of them cost the garbage collector nothing; a mark whose end has
/// passed counts as absent.
/// </summary>
/// <remarks>Safe for use by many threads: a mark belongs to one of 64 shards by its lowest bits, each with a lock of its own.</remarks>
internal sealed class ExpiringMarks
{
    private const int ShardCount = 64;

    private readonly Shard[] _shards = [.. Enumerable.Range(0, ShardCount).Select(static _ => new Shard())];
    private int _next;

    /// <summary>Marks that there is room for.</summary>
    public int Capacity => _shards.Sum(static shard => shard.Capacity);

    /// <summary>Adds a mark, or gives it a new end when its end has passed; false while it is still there.</summary>
    /// <remarks>Of the 128 bits that are given, 96 are kept.</remarks>
    public bool TryAdd(UInt128 mark, uint until, uint now)
    {
        var (high, low) = ((ulong)(mark >> 64), (uint)mark);
        return _shards[(int)(low % ShardCount)].TryAdd(high, low, until, now);
    }

    /// <summary>Gives back the memory of what has passed in one shard, another one at every call.</summary>
    public void Sweep(uint now)
    {
        _shards[_next].Shrink(now);
        _next = (_next + 1) % ShardCount;
    }

    /// <summary>Open addressing with linear probing: a slot is empty while it has no end, and is never emptied but by a rebuild.</summary>
    private sealed class Shard
    {
        private const int Smallest = 16;

        private readonly Lock _gate = new();
        private Slot[] _slots = new Slot[Smallest];
        private int _used;

        public int Capacity
        {
            get
            {
                lock (_gate)
                {
                    return _slots.Length;
                }
            }
        }

        public bool TryAdd(ulong high, uint low, uint until, uint now)
        {
            lock (_gate)
            {
                ref var slot = ref Find(high, low, now, out var present);
                if (present && slot.Until > now)
                {
                    return false;
                }

                if (slot.Until == 0 && ++_used * 4 > _slots.Length * 3)
                {
                    Rebuild(now);
                    slot = ref Find(high, low, now, out _);
                    _used++;
                }

                slot = new Slot(high, low, until);
                return true;
            }
        }

        public void Shrink(uint now)
        {
            lock (_gate)
            {
                if (_slots.Length > Smallest && Live(now) * 4 < _slots.Length)
                {
                    Rebuild(now);
                }
            }
        }

        // The slot of this mark, or else where it may be put: the first one on its way that has passed or is empty.
        private ref Slot Find(ulong high, uint low, uint now, out bool present)
        {
            var mask = _slots.Length - 1;
            var free = -1;
            for (var at = (int)(high & (ulong)mask); ; at = (at + 1) & mask)
            {
                ref var slot = ref _slots[at];
                if (slot.Until == 0)
                {
                    present = false;
                    return ref _slots[free < 0 ? at : free];
                }

                if (slot.High == high && slot.Low == low)
                {
                    present = true;
                    return ref slot;
                }

                if (free < 0 && slot.Until <= now)
                {
                    free = at;
                }
            }
        }

        // At most half full afterwards, with only what has not passed.
        private void Rebuild(uint now)
        {
            var old = _slots;
            var size = Smallest;
            _used = Live(now);
            while (size < (_used + 1) * 2)
            {
                size *= 2;
            }

            _slots = new Slot[size];
            foreach (ref readonly var slot in old.AsSpan())
            {
                if (slot.Until > now)
                {
                    Find(slot.High, slot.Low, now, out _) = slot;
                }
            }
        }

        private int Live(uint now)
        {
            var live = 0;
            foreach (ref readonly var slot in _slots.AsSpan())
            {
                live += slot.Until > now ? 1 : 0;
            }

            return live;
        }
    }

    private readonly record struct Slot(ulong High, uint Low, uint Until);
}
