namespace Caracal.Hosting.Http;

/// <summary>
/// Whether a request is worked on by the thread its bytes arrived on, which saves three hand-overs a request. Right for a
/// process that only forwards; wrong where handlers write to a store, because their waiting would hold up every other
/// connection of that thread.
/// </summary>
public static class ArrivalThread
{
    // The runtime reads it once, when the first socket of the process is made.
    private const string RuntimeSwitch = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>True when this process works that way.</summary>
    public static bool IsKept => Environment.GetEnvironmentVariable(RuntimeSwitch) == "1";

    /// <summary>Makes this process work that way, unless the operator has said otherwise. Before its first socket.</summary>
    public static void Keep()
    {
        if (Environment.GetEnvironmentVariable(RuntimeSwitch) is null)
        {
            Environment.SetEnvironmentVariable(RuntimeSwitch, "1");
        }
    }
}
