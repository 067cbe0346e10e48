namespace Caracal.Evidence.Trail;

/// <summary>Where journaled events go: the audit stream, or the ingester of the same process.</summary>
public interface IAuditSink
{
    /// <summary>Takes all events or throws; a repeated event must do no harm (audit.md 4).</summary>
    /// <param name="events">Exact event bytes, oldest first; valid until the task ends.</param>
    /// <param name="ct">Cancelled when the producer stops.</param>
    Task ShipAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken ct);
}
