namespace Caracal.Authority.ProviderCredentials;

/// <summary>How far a provider's second credential is, and what may come next.</summary>
public static class CredentialChangeRules
{
    public const string Staged = "staged";
    public const string Proven = "proven";
    public const string Shifted = "shifted";
    public const string Retired = "retired";
    public const string FellBack = "fell_back";
    public const string Discarded = "discarded";

    /// <summary>How long answers are counted after a shift, when nobody says otherwise.</summary>
    public static readonly TimeSpan Observation = TimeSpan.FromMinutes(10);

    public static readonly TimeSpan ShortestObservation = TimeSpan.FromSeconds(10);

    public static readonly TimeSpan LongestObservation = TimeSpan.FromDays(7);

    /// <summary>Refused calls that make a credential fall back, when nobody says otherwise.</summary>
    public const int Refusals = 5;

    public const int MostRefusals = 1_000;

    /// <summary>Least share of refused calls, in per cent, when nobody says otherwise: some callers are refused with any credential.</summary>
    public const int RefusedPercent = 50;

    /// <summary>A second credential is there: another one has to wait.</summary>
    public static bool IsOpen(string state) => state is Staged or Proven or Shifted;

    /// <summary>It is not in use yet.</summary>
    public static bool IsWaiting(string state) => state is Staged or Proven;

    /// <summary>Whether what upstreams said to a credential takes it out of use: enough refusals, and not too few among the answers.</summary>
    /// <param name="answers">All answers since the shift.</param>
    /// <param name="refusals">Those with 401, and a token endpoint's refusals of the client.</param>
    /// <param name="refusalsAllowed">At least so many.</param>
    /// <param name="refusedPercent">At least this share.</param>
    public static bool MustFallBack(long answers, long refusals, long refusalsAllowed, long refusedPercent) =>
        refusals >= Math.Max(1, refusalsAllowed) && refusals * 100 >= refusedPercent * answers;

    /// <summary>Whether the credential before may go for good.</summary>
    public static bool MayRetire(DateTimeOffset? observeUntil, DateTimeOffset now, bool force) => force || observeUntil is { } until && now >= until;
}
