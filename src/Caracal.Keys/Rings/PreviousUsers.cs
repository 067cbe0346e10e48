using System.Collections.Concurrent;
using System.Net;

namespace Caracal.Keys.Rings;

/// <summary>From where a previous value came since somebody last looked; like the counts it needs no clock (operations.md 4.5).</summary>
public sealed class PreviousUsers
{
    /// <summary>Whoever changes addresses fills no memory: so many are kept between two looks.</summary>
    public const int Most = 32;

    private readonly ConcurrentDictionary<IPAddress, bool> _from = new();

    public void Add(IPAddress? address)
    {
        if (address is null || _from.Count >= Most) return;
        _from.TryAdd(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, true);
    }

    /// <summary>The addresses since the last look.</summary>
    internal IReadOnlyList<IPAddress> Take()
    {
        var taken = _from.Keys.ToList();
        foreach (var address in taken) _from.TryRemove(address, out _);
        return taken;
    }
}
