namespace Caracal.Cli.Environment;

/// <summary>Which deployment environment a launcher is in (cli.md 3.4): <c>CARACAL_ENV</c>, else <c>NODE_ENV</c>.</summary>
internal static class RuntimeEnvironment
{
    public static bool IsProduction(ProcessVariables variables) => (variables["CARACAL_ENV"] ?? variables["NODE_ENV"]) == "production";
}
