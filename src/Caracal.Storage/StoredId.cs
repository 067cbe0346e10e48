namespace Caracal.Storage;

/// <summary>Ids that strangers name before anybody has looked at who they are.</summary>
internal static class StoredId
{
    /// <summary>Whether a row may have this id. None holds NUL or a surrogate, and PostgreSQL takes no parameter that does.</summary>
    public static bool MayExist(string id) => !id.AsSpan().Contains('\0') && !id.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');

    /// <summary>The id, or null (which no row has) where none can have it.</summary>
    public static string? OrNull(string? id) => id is not null && MayExist(id) ? id : null;
}
