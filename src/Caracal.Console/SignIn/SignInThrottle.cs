using System.Net;

namespace Caracal.Console.SignIn;

/// <summary>Ten attempts a minute from one address: all of the console's calls share one address at the API, whose own limit must not be used up by one guesser.</summary>
internal sealed class SignInThrottle(TimeProvider time)
{
    private const int Limit = 10;
    private const int MostAddresses = 10_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _attempts = [];
    private long _minute;

    /// <summary>Counts an attempt; false when it is one too many.</summary>
    public bool Allows(IPAddress? address)
    {
        address ??= IPAddress.None;
        var minute = time.GetUtcNow().ToUnixTimeSeconds() / 60;
        lock (_gate)
        {
            if (minute != _minute)
            {
                _attempts.Clear();
                _minute = minute;
            }

            var attempts = _attempts.GetValueOrDefault(address) + 1;
            if (attempts > Limit || (attempts == 1 && _attempts.Count == MostAddresses)) return false;
            _attempts[address] = attempts;
            return true;
        }
    }
}
