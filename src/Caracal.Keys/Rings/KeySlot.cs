namespace Caracal.Keys.Rings;

/// <summary>Which slot of a ring matched; the default means no key did (operations.md 4.1).</summary>
public enum KeySlot
{
    None,
    Current,
    Next,
    Previous,
    Archive,
}

/// <summary>Words of <see cref="KeySlot"/> in metrics and heartbeats.</summary>
public static class KeySlotNames
{
    public static string Name(this KeySlot slot) => slot switch
    {
        KeySlot.Current => "current",
        KeySlot.Next => "next",
        KeySlot.Previous => "previous",
        KeySlot.Archive => "archive",
        _ => "invalid",
    };
}
