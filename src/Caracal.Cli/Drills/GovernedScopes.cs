namespace Caracal.Cli.Drills;

/// <summary>The two scopes of the drills' zone.</summary>
internal static class GovernedScopes
{
    public const string Read = "pipernet:read";
    public const string Write = "pipernet:write";
}
