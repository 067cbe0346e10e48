namespace Caracal.Audit;

/// <summary>Every text this service refuses with (audit.md 10); its errors are plain text that ends with LF.</summary>
internal static class AuditErrors
{
    public const string NotFound = "not found";
    public const string Unauthorized = "unauthorized";
    public const string ZoneRequired = "zone_id is required";
    public const string LimitInvalid = "limit must be a positive integer";
    public const string TimeInvalid = "since and until must be RFC 3339 times";
    public const string CursorInvalid = "cursor is not valid";
    public const string SizeInvalid = "sizes and sequence numbers must be non-negative integers";
    public const string CheckpointsOff = "AUDIT_CHECKPOINT_KEY is not set";
    public const string CheckpointNotFound = "no such checkpoint";
    public const string TimeStampNotFound = "no time-stamp of this checkpoint";
    public const string EventNotFound = "no such event";
    public const string HoldInvalid = "a hold has from, until (RFC 3339), reason, placed_by, and zone_id unless it is for all";
    public const string ClosingInvalid = "a closing has closed_by and reason";
    public const string AlertNotFound = "no such open alert";
    public const string HoldNotFound = "no such hold";
    public const string ProofGone = "the rows of this proof are no longer retained";
    public const string EntryIdInvalid = "entry id is not valid";
    public const string SearchFailed = "search failed";
    public const string DeadLettersUnavailable = "dead letters unavailable";

    // Reasons of /ready, in the order in which they are checked.
    public const string ConsumerUnhealthy = "consumer_unhealthy";
    public const string StoreUnreachable = "postgres_unreachable";
    public const string StreamsUnreachable = "redis_unreachable";
    public const string DeadLetterThreshold = "audit_dlq_threshold";
    public const string LagThreshold = "audit_lag_threshold";
    public const string OldestPendingThreshold = "audit_pel_oldest_threshold";
}
