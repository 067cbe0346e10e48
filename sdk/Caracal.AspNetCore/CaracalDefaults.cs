namespace Caracal.AspNetCore;

/// <summary>Names this library uses.</summary>
public static class CaracalDefaults
{
    /// <summary>The authentication scheme.</summary>
    public const string AuthenticationScheme = "Caracal";
}
