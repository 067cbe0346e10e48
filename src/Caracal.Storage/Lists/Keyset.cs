namespace Caracal.Storage.Lists;

/// <summary>Where a newest-first list goes on: strictly below this (time, id) (api.md 1.2).</summary>
/// <param name="Time">Kept to the microsecond, so that rows of one millisecond are not lost at a page's edge.</param>
/// <param name="Id">Breaks ties.</param>
public readonly record struct Keyset(DateTimeOffset Time, string Id)
{
    /// <summary>Above every row.</summary>
    public static readonly Keyset Top = new(new DateTimeOffset(9999, 1, 1, 0, 0, 0, TimeSpan.Zero), "~");
}

/// <summary>A page to read: after where, and how many rows.</summary>
public readonly record struct PageQuery(Keyset After, int Limit);
