using Caracal.Authority.TokenExchange;
using Caracal.Keys.Secrets;

namespace Caracal.Sts.TokenExchange;

/// <summary>Whether a secret is an application's (sts.md 3). An unknown one costs the same hash and comparison.</summary>
internal static class ClientSecrets
{
    /// <summary>The current secret first, then every previous one whose overlap still runs; <paramref name="previousId"/> names that one.</summary>
    public static bool Matches(ExchangeApplication? application, string secret, DateTimeOffset now, out string? previousId)
    {
        previousId = null;
        if (SecretHash.Verify(application?.SecretHash, secret))
        {
            return application!.IsLive(now);
        }

        return application?.SecretHash is not null
            && MatchesPrevious(application.PreviousSecrets, secret, now, out previousId)
            && application.IsLive(now);
    }

    /// <summary>True for a replaced secret whose overlap still runs (operations.md 4.6.9).</summary>
    public static bool MatchesPrevious(IReadOnlyList<PreviousSecret> secrets, string secret, DateTimeOffset now, out string? previousId)
    {
        previousId = null;
        foreach (var previous in secrets)
        {
            if ((previous.ExpiresAt is null || previous.ExpiresAt > now) && SecretHash.Verify(previous.Hash, secret))
            {
                previousId = previous.Id;
                return true;
            }
        }

        return false;
    }
}
