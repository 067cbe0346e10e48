namespace Caracal.Storage.Sessions;

/// <summary>Which Sessions a list shows; null members do not filter.</summary>
public sealed record SessionFilter
{
    public string? Status { get; init; }
    public string? Lifecycle { get; init; }
    public string? ApplicationId { get; init; }

    /// <summary>A label the Session must carry, exactly.</summary>
    public string? Label { get; init; }

    /// <summary>Direct children of this Session only.</summary>
    public string? ParentId { get; init; }
}

/// <summary>A page request: newest first, after the item last seen.</summary>
/// <param name="Limit">1 to 500.</param>
/// <param name="Cursor">Id of the last item seen; null for the first page.</param>
public sealed record PageRequest(int Limit, string? Cursor);
