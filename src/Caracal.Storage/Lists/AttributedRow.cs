namespace Caracal.Storage.Lists;

/// <summary>The columns that say who made and last changed a row (storage.md 1).</summary>
public abstract record AttributedRow
{
    public string? CreatedBy { get; init; }

    public bool CreatedViaOperator { get; init; }

    public string? UpdatedBy { get; init; }

    public bool UpdatedViaOperator { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? UpdatedAt { get; init; }
}
