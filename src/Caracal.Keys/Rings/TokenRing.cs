using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rings;

/// <summary>All slots of one bearer-token class at one moment.</summary>
public sealed record TokenSet(string ClassId, SecretText Current, SecretText? Next, ImmutableArray<SecretText> Previous)
{
    public string SecretId => Secrets.SecretId.Of(ClassId, Current.Utf8);

    /// <summary>Every token with its slot.</summary>
    public IEnumerable<(KeySlot Slot, SecretText Token)> All()
    {
        yield return (KeySlot.Current, Current);
        if (Next is not null) yield return (KeySlot.Next, Next);
        foreach (var token in Previous) yield return (KeySlot.Previous, token);
    }
}

/// <summary>The live values of one bearer token (admin, coordinator, metrics …): current is sent, every slot is accepted (operations.md 4.6.6).</summary>
public sealed class TokenRing
{
    private volatile TokenSet tokens;

    public TokenRing(TokenSet tokens) => this.tokens = tokens;

    public static TokenRing Of(string classId, string current) => new(new TokenSet(classId, new SecretText(current), null, []));

    /// <summary>Which slots matched so far.</summary>
    public SlotMatches Matches { get; } = new();

    public TokenSet Tokens => tokens;

    public SecretText Current => tokens.Current;

    public void Replace(TokenSet replacement) => tokens = replacement;

    /// <summary>As <see cref="Verify(ReadOnlySpan{char}, out KeySlot)"/>, and notes from where a previous value came.</summary>
    public bool Verify(ReadOnlySpan<char> presented, IPAddress? from)
    {
        var held = Verify(presented, out var slot);
        if (slot == KeySlot.Previous) Matches.PreviousUsers.Add(from);
        return held;
    }

    /// <summary>Compares with every slot, in constant time each.</summary>
    public bool Verify(ReadOnlySpan<char> presented, out KeySlot slot)
    {
        var snapshot = tokens;
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SecretHash.Digest(presented, digest);
        slot = KeySlot.None;

        // Last to first without an early exit: which slot matched must not show in the time taken.
        foreach (var token in snapshot.Previous)
        {
            if (token.MatchesDigest(digest)) slot = KeySlot.Previous;
        }

        if (snapshot.Next?.MatchesDigest(digest) == true) slot = KeySlot.Next;
        if (snapshot.Current.MatchesDigest(digest)) slot = KeySlot.Current;
        Matches.Add(slot);
        return slot != KeySlot.None;
    }
}
