namespace Caracal.Authority.AdminAccess;

/// <summary>The namespace only the deployment token may use (api.md 2.3).</summary>
public static class ReservedNames
{
    public static bool IsReservedName(string? name) => Starts(name, "caracal.sys/");

    public static bool IsReservedSlug(string? slug) => Starts(slug, "caracal-sys-");

    public static bool IsReservedResource(string? identifier) => Starts(identifier, "caracal-sys://");

    public static bool IsReservedProvider(string? identifier) => Starts(identifier, "provider://caracal-sys-");

    /// <summary>A zone whose name or slug is reserved is hidden from lists and closed to everyone else's changes.</summary>
    public static bool IsReservedZone(string name, string slug) => IsReservedName(name) || IsReservedSlug(slug);

    private static bool Starts(string? value, string prefix) =>
        value is not null && value.AsSpan().Trim().StartsWith(prefix, StringComparison.OrdinalIgnoreCase);
}
