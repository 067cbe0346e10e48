namespace Caracal.Keys.Rotation;

/// <summary>The states of a rotation and the ways between them (operations.md 4.3).</summary>
public static class RotationState
{
    public const string Prepared = "prepared";
    public const string Deployed = "deployed";
    public const string Rolled = "rolled";
    public const string Verified = "verified";
    public const string Retired = "retired";
    public const string RolledBack = "rolled_back";
    public const string Aborted = "aborted";

    /// <summary>The only state that may follow by <c>advance</c>; null after the end.</summary>
    public static string? Next(string state) => state switch
    {
        Prepared => Deployed,
        Deployed => Rolled,
        Rolled => Verified,
        Verified => Retired,
        _ => null,
    };

    /// <summary>Ended without its new value, which stays in <c>previous</c> until what it signed has drained.</summary>
    public static bool WentBack(string state) => state is RolledBack or Aborted;

    public static bool IsOpen(string state) => Next(state) is not null;

    /// <summary>Nothing signs with the new value yet: it can be forgotten.</summary>
    public static bool MayAbort(string state) => state is Prepared or Deployed;

    /// <summary>Somebody may sign with the new value already, and the old one is still everywhere.</summary>
    public static bool MayRollBack(string state) => state is Deployed or Rolled or Verified;
}
