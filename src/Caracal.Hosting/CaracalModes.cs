namespace Caracal.Hosting;

/// <summary>Questions about a <see cref="CaracalMode"/>.</summary>
public static class CaracalModes
{
    /// <summary>True for rc and stable.</summary>
    public static bool IsPublished(this CaracalMode mode) => mode != CaracalMode.Dev;

    /// <summary>The word on the wire and in logs.</summary>
    public static string ToText(this CaracalMode mode) => mode switch
    {
        CaracalMode.Dev => "dev",
        CaracalMode.Rc => "rc",
        _ => "stable",
    };

    /// <summary>Reads <c>CARACAL_MODE</c>: trimmed, any case, empty means stable; false for any other word.</summary>
    public static bool TryParse(string? text, out CaracalMode mode)
    {
        mode = CaracalMode.Stable;
        switch (text?.Trim().ToLowerInvariant())
        {
            case null or "" or "stable":
                return true;
            case "rc":
                mode = CaracalMode.Rc;
                return true;
            case "dev":
                mode = CaracalMode.Dev;
                return true;
            default:
                return false;
        }
    }
}
