using Caracal.Protocol;

namespace Caracal.Authority.Idempotency;

/// <summary>Every "no" of the Idempotency room.</summary>
public static class IdempotencyRefusals
{
    public static readonly Refusal KeyInvalid = new(400, "idempotency_key_invalid", "An Idempotency-Key has 1 to 255 bytes, no control characters and no surrounding whitespace.");
    public static readonly Refusal KeyMultiple = new(400, "idempotency_key_multiple", "Send one Idempotency-Key.");
    public static readonly Refusal KeyConflict = new(409, "idempotency_key_conflict", "The key was used for another request.");
    public static readonly Refusal ResultInactive = new(409, "idempotency_result_inactive", "What the key created has ended.");
    public static readonly Refusal ReceiptLimitExceeded = new(429, "idempotency_receipt_limit_exceeded", "Too many keys are remembered for this application.") { RetryAfterSeconds = 60 };
}
