using System.Net;
using Caracal.Egress;
using Caracal.Hosting;

namespace Caracal.ControlPlane.NotificationSinks;

/// <summary>
/// Where a sink may be: https anywhere public; this machine, also over http, only in dev or where the operator opened it,
/// because a zone's administrator must not reach the services beside us.
/// </summary>
internal sealed class SinkPlaces(ControlPlaneSettings settings)
{
    private static readonly string[] Loopback = ["localhost", "127.0.0.1", "::1"];

    private readonly HashSet<string> _open =
    [
        .. settings.PrivateEgressHosts.Select(host => host.Trim().Trim('[', ']').ToLowerInvariant()),
        .. settings.Mode == CaracalMode.Dev ? Loopback : [],
    ];

    public IReadOnlyCollection<string> OpenHosts => _open;

    public bool IsPlace(string url)
    {
        if (EgressUrl.TryParse(url) is not { } place || place.Uri.Fragment.Length > 0) return false;
        if (!place.IsTls && !(Loopback.Contains(place.Host) && _open.Contains(place.Host))) return false;
        return !IPAddress.TryParse(place.Host, out var literal)
            || AddressRules.IsAllowed(AddressRules.Classify(literal), _open.Contains(place.Host));
    }
}
