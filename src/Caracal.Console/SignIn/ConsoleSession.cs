using Caracal.Keys.Secrets;

namespace Caracal.Console.SignIn;

/// <summary>Who is signed in: the operator's own admin token, with which the console asks the API. It holds no authority of its own.</summary>
/// <param name="Token">The admin token.</param>
/// <param name="ZoneId">The one zone of a zone token; null for a global one.</param>
/// <param name="FormId">Stands in every form of this sign-in; a form without it did not come from our pages.</param>
/// <param name="Expires">When the sign-in ends.</param>
public sealed record ConsoleSession(SecretText Token, string? ZoneId, string FormId, DateTimeOffset Expires)
{
    /// <summary>Where a sign-in begins.</summary>
    public string Home => ZoneId is null ? "/" : ConsolePaths.Zone(ZoneId);
}
