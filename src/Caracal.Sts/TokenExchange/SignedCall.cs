using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Storage;
using Caracal.Streams.State;

namespace Caracal.Sts.TokenExchange;

/// <summary>The Gateway's and the API's HMAC on a call to the STS, with the nonce spent (sts.md 5).</summary>
internal static class SignedCall
{
    private const string NoncePrefix = "caracal:sts:gw-nonce:";

    /// <summary>True only for a complete, fresh, correctly signed call that was never seen before.</summary>
    public static async ValueTask<bool> VerifyAsync(
        GatewayProof proof, HmacKeyRing? keys, ISharedState state, DatabaseClock clock, CancellationToken cancellationToken) =>
        await MatchAsync(proof, keys, state, clock, cancellationToken) != KeySlot.None;

    /// <summary>The slot of the key that signed such a call; none for any other.</summary>
    public static async ValueTask<KeySlot> MatchAsync(
        GatewayProof proof, HmacKeyRing? keys, ISharedState state, DatabaseClock clock, CancellationToken cancellationToken)
    {
        if (keys is null || proof.Timestamp is null || proof.Nonce is not { Length: > 0 and <= 256 } || proof.Signature is null)
        {
            return KeySlot.None;
        }

        var verdict = GatewaySignature.Verify(
            keys, proof.Timestamp, proof.Nonce, proof.Method, proof.Path, proof.Body.Span, proof.Signature,
            clock.Process.GetUtcNow(), out var slot);
        return verdict == GatewayVerdict.Accepted
            && await state.TryAddAsync(NoncePrefix + proof.Nonce, "1", GatewaySignature.NonceLifetime, cancellationToken)
                ? slot
                : KeySlot.None;
    }
}
