namespace Caracal.Storage.Outbox;

/// <summary>A claimed outbox row, ready to be signed and published.</summary>
/// <param name="Id">The row id, published as <c>outbox_id</c>.</param>
/// <param name="Topic">The stream.</param>
/// <param name="DedupeKey">Coordinator rows only.</param>
/// <param name="PayloadJson">A flat JSON object.</param>
/// <param name="Attempts">How often it was tried, this try included.</param>
public sealed record OutboxMessage(string Id, string Topic, string? DedupeKey, string PayloadJson, long Attempts);
