namespace Caracal.Storage;

/// <summary>Ids that strangers name before anybody has looked at who they are.</summary>
internal static class StoredId
{
    /// <summary>The id, or null, which no row has, where it holds NUL or a surrogate: nor has any row such an id, and PostgreSQL takes none as a parameter.</summary>
    public static string? OrNull(string? id) => id.AsSpan().Contains('\0') || id.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? null : id;
}
