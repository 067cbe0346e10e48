using System.Collections.Frozen;
using System.Net;

namespace Caracal.Egress;

/// <summary>Which hosts and addresses outgoing calls may reach (gateway.md A10, sts.md 9.6). Immutable.</summary>
public sealed class EgressPolicy
{
    private readonly FrozenSet<string> _privateHosts;
    private readonly FrozenSet<string> _allowedHosts;
    private readonly bool _allowPrivate;

    /// <param name="allowPrivate"><c>ALLOW_PRIVATE_UPSTREAMS</c>: opens loopback, private and carrier networks.</param>
    /// <param name="privateHosts"><c>CARACAL_PRIVATE_EGRESS_HOSTS</c>: exact hosts for which they are open.</param>
    /// <param name="allowedHosts"><c>UPSTREAM_HOST_ALLOWLIST</c>: exact hosts; empty means any.</param>
    public EgressPolicy(bool allowPrivate, IEnumerable<string> privateHosts, IEnumerable<string> allowedHosts)
    {
        _allowPrivate = allowPrivate;
        _privateHosts = privateHosts.Select(Canonical).ToFrozenSet(StringComparer.Ordinal);
        _allowedHosts = allowedHosts.Select(Canonical).ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>True when the host's name may be called at all. <paramref name="host"/> is lower case, without port or brackets.</summary>
    public bool AllowsHost(string host) => _allowedHosts.Count == 0 || _allowedHosts.Contains(host);

    /// <summary>True when <paramref name="address"/> may be dialled for <paramref name="host"/>.</summary>
    public bool AllowsAddress(string host, IPAddress address) =>
        AddressRules.IsAllowed(AddressRules.Classify(address), _allowPrivate || _privateHosts.Contains(host));

    private static string Canonical(string host) => host.Trim().Trim('[', ']').ToLowerInvariant();
}
