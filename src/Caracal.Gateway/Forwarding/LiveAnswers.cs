using System.Collections.Concurrent;
using Caracal.Gateway.Pipeline;
using Caracal.Gateway.Revocations;

namespace Caracal.Gateway.Forwarding;

/// <summary>The answers that are still being relayed; a revocation ends those it concerns at once, even idle ones.</summary>
internal sealed class LiveAnswers
{
    private readonly ConcurrentDictionary<GatewayCall, byte> _calls = new();
    private readonly RevocationState _revocations;

    public LiveAnswers(RevocationState revocations)
    {
        _revocations = revocations;
        revocations.Marked = Sweep;
    }

    /// <summary>From now on a revocation ends the call; also one that came in just before.</summary>
    public void Add(GatewayCall call)
    {
        _calls[call] = 0;
        if (_revocations.IsRevoked(call.Claims))
        {
            call.Lifetime.Revoke();
        }
    }

    public void Remove(GatewayCall call) => _calls.TryRemove(call, out _);

    private void Sweep()
    {
        foreach (var (call, _) in _calls)
        {
            if (_revocations.IsRevoked(call.Claims))
            {
                call.Lifetime.Revoke();
            }
        }
    }
}
