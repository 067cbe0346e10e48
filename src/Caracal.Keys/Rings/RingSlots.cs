using System.Collections.Immutable;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rings;

/// <summary>Which values a ring holds, by their secret ids: what logs and instances may say of it (operations.md 4.2).</summary>
public sealed record RingSlots(string Current, string? Next, ImmutableArray<string> Previous, ImmutableArray<string> Archive)
{
    /// <summary>What rows and stream fields call the current key; null for what signs nothing.</summary>
    public string? KeyId { get; init; }

    /// <summary>True when both hold the same values in the same slots.</summary>
    public bool SameAs(RingSlots other) =>
        Current == other.Current && Next == other.Next && Previous.SequenceEqual(other.Previous) && Archive.SequenceEqual(other.Archive);

    public override string ToString() =>
        $"current={Current} next={Next ?? "-"} previous={(Previous.IsEmpty ? "-" : string.Join(',', Previous))}";

    internal static RingSlots Of(HmacKeySet keys) => new(
        keys.Current.SecretId, keys.Next?.SecretId,
        [.. keys.Previous.Select(key => key.SecretId)], [.. keys.Archive.Select(key => key.SecretId)])
    {
        KeyId = keys.Current.KeyId,
    };

    internal static RingSlots Of(KekSet keks) => new(
        keks.Current.SecretId, keks.Next?.SecretId, [.. keks.Previous.Select(kek => kek.SecretId)], [])
    {
        KeyId = keks.Current.IdHex,
    };

    internal static RingSlots Of(TokenSet tokens) => new(
        IdOf(tokens, tokens.Current), tokens.Next is null ? null : IdOf(tokens, tokens.Next),
        [.. tokens.Previous.Select(token => IdOf(tokens, token))], []);

    private static string IdOf(TokenSet tokens, SecretText token) => SecretId.Of(tokens.ClassId, token.Utf8);
}
