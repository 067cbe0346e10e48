namespace Caracal.Storage.Outbox;

/// <summary>
/// How an outbox table says what <see cref="OutboxQueue"/> does at the time <c>@now</c>. The rows that it returns have the columns
/// of <see cref="OutboxMessage"/>, in their order.
/// </summary>
internal sealed record OutboxStatements
{
    /// <summary>1 when a row is due, else 0.</summary>
    public required string Look { get; init; }

    /// <summary>The first <c>@batch</c> due rows in their order, with the attempt that begins counted in; where there is one writer.</summary>
    public required string Due { get; init; }

    /// <summary>Counts an attempt of the first <c>@batch</c> due rows, hides them until <c>@until</c> and returns them; <c>@worker</c> claims.</summary>
    public required string Claim { get; init; }

    /// <summary>Marks the rows <c>@ids</c> as published.</summary>
    public required string Mark { get; init; }

    /// <summary>Row <c>@Id</c> failed by <c>@error</c>, waits until <c>@next</c>, and <c>@more</c> attempts are counted.</summary>
    public required string PutOff { get; init; }

    /// <summary>As <see cref="PutOff"/>, and the row is not tried again.</summary>
    public required string Park { get; init; }
}
