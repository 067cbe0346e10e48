using System.Text;
using Caracal.Protocol;

namespace Caracal.Authority.Idempotency;

/// <summary>What is remembered of a request that created something (coordinator.md 10).</summary>
public sealed record Receipt
{
    public string Id { get; init; } = "";
    public string Operation { get; init; } = "";
    public string ZoneId { get; init; } = "";
    public string ScopeId { get; init; } = "";
    public byte[] KeyDigest { get; init; } = [];
    public byte[] RequestDigest { get; init; } = [];
    public string ResourceType { get; init; } = "";
    public string ResourceId { get; init; } = "";
    public int ResponseStatus { get; init; }
    public string ResponseJson { get; init; } = "";
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>The operations that leave receipts.</summary>
public static class IdempotentOperation
{
    public const string SessionStart = "session.start.v2";
    public const string DelegationCreate = "delegation.create.v2";
    public const string InvocationCreate = "invocation.create.v2";
}

/// <summary>The syntax of a key and the meaning of a receipt that was found.</summary>
public static class IdempotencyRules
{
    public const int MaximumKeyBytes = 255;
    public const int MaximumResponseBytes = 65_536;

    /// <summary>Checks the header's values; no value means no idempotency.</summary>
    public static Refusal? CheckKey(IReadOnlyList<string?> headerValues) => headerValues.Count switch
    {
        0 => null,
        > 1 => IdempotencyRefusals.KeyMultiple,
        _ => IsKey(headerValues[0]) ? null : IdempotencyRefusals.KeyInvalid,
    };

    /// <summary>1 to 255 bytes of UTF-8, no control characters, no whitespace at either end.</summary>
    public static bool IsKey(string? key) =>
        !string.IsNullOrEmpty(key)
        && Encoding.UTF8.GetByteCount(key) <= MaximumKeyBytes
        && !char.IsWhiteSpace(key[0]) && !char.IsWhiteSpace(key[^1])
        && !key.Any(c => c is < ' ' or '\u007f');

    /// <summary>A known key with another request, or whose result has ended, is refused; null means: answer as before.</summary>
    public static Refusal? CheckReplay(Receipt receipt, ReadOnlySpan<byte> requestDigest, bool resultIsLive) =>
        !receipt.RequestDigest.AsSpan().SequenceEqual(requestDigest) ? IdempotencyRefusals.KeyConflict
        : resultIsLive ? null
        : IdempotencyRefusals.ResultInactive;
}
