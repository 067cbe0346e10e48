namespace Caracal.Storage;

/// <summary>The store cannot be used now (unreachable, full, damaged, busy too long). The edge answers 503; nothing was changed.</summary>
public sealed class StorageUnavailableException : Exception
{
    public StorageUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>The store answered and did not take just this (a lock, a deadlock, too long a statement); it may well take the next one.</summary>
    public bool RefusedThis { get; init; }
}
