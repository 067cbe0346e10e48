using System.Collections.Concurrent;
using Caracal.Authority.TokenExchange;

namespace Caracal.Storage.TokenExchange;

/// <summary>
/// Facts that were read and cannot have changed since: everything here belongs to one
/// <see cref="Database.AuthorityVersion"/> and is dropped whole when the store has moved on. Where other processes write,
/// there is no such version and nothing is ever remembered.
/// </summary>
public sealed class ExchangeFactsMemory(Database database)
{
    /// <summary>Entries of one kind before everything is dropped and read again; a bound on memory, not on correctness.</summary>
    private const int Largest = 16_384;

    private volatile Known _known = new(-1);

    /// <summary>The version to read before reading what will be kept: a change that commits meanwhile makes it worthless.</summary>
    internal long? Version => database.AuthorityVersion;

    /// <summary>What an exchange needs, when all of it is known and still holds.</summary>
    internal ExchangeFacts? Find(ExchangeLookup lookup)
    {
        var known = _known;
        if (known.Version != Version || !known.Zones.TryGetValue(lookup.ZoneId, out var zoneVersion))
        {
            return null;
        }

        RecordFacts? record = null;
        SessionFacts? session = null;
        DelegationFacts? delegation = null;
        if ((lookup.RecordId is { } recordId && !known.Records.TryGetValue((lookup.ZoneId, recordId), out record))
            || (lookup.AgentSessionId is { } sessionId && !known.Sessions.TryGetValue((lookup.ZoneId, sessionId), out session))
            || (lookup.DelegationEdgeId is { } edgeId && !known.Delegations.TryGetValue((lookup.ZoneId, edgeId), out delegation)))
        {
            return null;
        }

        return new ExchangeFacts
        {
            AuthorityVersion = known.Version,
            ZoneVersion = zoneVersion,
            Record = record,
            Session = session,
            Delegation = delegation,
        };
    }

    /// <summary>Keeps what a read found; what it did not find is not kept, because an insert counts no change.</summary>
    internal void Keep(ExchangeLookup lookup, ExchangeFacts facts, long? version)
    {
        if (For(version) is not { } known)
        {
            return;
        }

        known.Zones[lookup.ZoneId] = facts.ZoneVersion;
        Add(known.Records, lookup.ZoneId, lookup.RecordId, facts.Record);
        Add(known.Sessions, lookup.ZoneId, lookup.AgentSessionId, facts.Session);
        Add(known.Delegations, lookup.ZoneId, lookup.DelegationEdgeId, facts.Delegation);
    }

    /// <summary>Keeps a record that was just written; its mandate is likely to come back within moments.</summary>
    internal void Keep(string zoneId, RecordFacts record, long? version)
    {
        if (For(version) is { } known)
        {
            Add(known.Records, zoneId, record.Id, record);
        }
    }

    /// <summary>Drops a record that nobody will ask for; who asks after all reads it.</summary>
    internal void Forget(string zoneId, string? recordId)
    {
        var known = _known;
        if (recordId is not null && known.Records.TryRemove((zoneId, recordId), out _))
        {
            known.Adds--;
        }
    }

    private static void Add<T>(ConcurrentDictionary<(string, string), T> to, string zoneId, string? id, T? found)
        where T : class
    {
        if (id is not null && found is not null)
        {
            to[(zoneId, id)] = found;
        }
    }

    private Known? For(long? version)
    {
        if (version is not { } current)
        {
            return null;
        }

        var known = _known;
        if (known.Version > current)
        {
            return null; // Read before a change that others have already seen.
        }

        if (known.Version == current && known.Adds++ < Largest)
        {
            return known;
        }

        var next = new Known(current);
        return Interlocked.CompareExchange(ref _known, next, known) == known ? next : null;
    }

    private sealed class Known(long version)
    {
        public readonly ConcurrentDictionary<string, long> Zones = new(StringComparer.Ordinal);
        public readonly ConcurrentDictionary<(string Zone, string Id), RecordFacts> Records = new();
        public readonly ConcurrentDictionary<(string Zone, string Id), SessionFacts> Sessions = new();
        public readonly ConcurrentDictionary<(string Zone, string Id), DelegationFacts> Delegations = new();

        /// <summary>About how much is kept; a lost count among threads only moves the bound a little.</summary>
        public int Adds;

        public long Version => version;
    }
}
