using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Caracal.Egress;

/// <summary>
/// Decides whether a host may be called and hands out the addresses that were vetted, so that what was checked is what
/// is dialled (gateway.md A10). A name with even one forbidden address is refused.
/// </summary>
public sealed class EgressGuard
{
    /// <summary>How long a vetted answer for a name is used again; the connection dials exactly these addresses.</summary>
    public static readonly TimeSpan NameLifetime = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan ResolveTimeout = TimeSpan.FromSeconds(5);
    private const int LargestCache = 4096;

    private readonly EgressPolicy _policy;
    private readonly IHostResolver _resolver;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Vetted> _vetted = new(StringComparer.Ordinal);

    public EgressGuard(EgressPolicy policy, IHostResolver resolver, TimeProvider time)
    {
        _policy = policy;
        _resolver = resolver;
        _time = time;
    }

    /// <summary>The addresses that may be dialled for <paramref name="host"/> (lower case, no brackets); empty means refused.</summary>
    public ValueTask<IPAddress[]> VetAsync(string host, CancellationToken cancellationToken)
    {
        if (_vetted.TryGetValue(host, out var known) && (known.IsLiteral || _time.GetElapsedTime(known.At) < NameLifetime))
        {
            return new(known.Addresses);
        }

        if (!_policy.AllowsHost(host))
        {
            return new([]);
        }

        return IPAddress.TryParse(host, out var literal)
            ? new(Remember(host, _policy.AllowsAddress(host, literal) ? [literal] : [], isLiteral: true))
            : new(ResolveAsync(host, cancellationToken));
    }

    private async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(ResolveTimeout);
        IPAddress[] addresses;
        try
        {
            addresses = await _resolver.ResolveAsync(host, deadline.Token);
        }
        catch (SocketException)
        {
            return [];
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return [];
        }

        foreach (var address in addresses)
        {
            if (!_policy.AllowsAddress(host, address))
            {
                return [];
            }
        }

        return addresses.Length == 0 ? [] : Remember(host, addresses, isLiteral: false);
    }

    private IPAddress[] Remember(string host, IPAddress[] addresses, bool isLiteral)
    {
        if (_vetted.Count >= LargestCache)
        {
            _vetted.Clear();
        }

        _vetted[host] = new Vetted(addresses, _time.GetTimestamp(), isLiteral);
        return addresses;
    }

    private sealed record Vetted(IPAddress[] Addresses, long At, bool IsLiteral);
}
