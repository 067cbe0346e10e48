namespace Caracal.Protocol;

/// <summary>Header names of the v1.0 wire.</summary>
public static class CaracalHeaders
{
    public const string RequestId = "X-Request-Id";
    public const string Resource = "X-Caracal-Resource";
    public const string ClientId = "X-Caracal-Client-ID";
    public const string Identity = "X-Caracal-Identity";
    public const string TokenExpiresIn = "X-Caracal-Token-Expires-In";
    public const string Revoked = "X-Caracal-Revoked";

    /// <summary>Ours: names the answer's audit event, as header or trailer.</summary>
    public const string Receipt = "X-Caracal-Receipt";
    public const string LaunchId = "X-Caracal-Launch-Id";
    public const string IdempotencyKey = "Idempotency-Key";
    public const string IdempotencyKeyKind = "Idempotency-Key-Kind";
    public const string IdempotencyReplayed = "Idempotency-Replayed";
}
