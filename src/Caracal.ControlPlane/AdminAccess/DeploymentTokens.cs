using System.Net;
using Caracal.Authority.AdminAccess;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.AdminTokens;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.AdminAccess;

/// <summary>
/// Seeds the rows of <c>CARACAL_ADMIN_TOKEN</c> and of the console tokens derived from it, for every loaded slot, and
/// revokes those of values that are loaded no more (api.md 2.3, 2.4).
/// </summary>
internal sealed class DeploymentTokens(Database database, TokenRing? ring, DatabaseClock clock)
{
    /// <summary>How soon a reloaded token has its rows, and one that left the ring has none.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private static readonly (string Name, string Capability, string CreatedBy, Func<SecretText, string> Value)[] Kinds =
    [
        ("bootstrap", "write", AdminCaller.Deployment, token => token.Reveal()),
        ("console-read-only", "read", "env-derived", ConsoleTokens.ReadOnly),
        ("console-write", "write", "env-derived-write", ConsoleTokens.Write),
        ("console-approve", "approve", "env-derived-approve", ConsoleTokens.Approve),
    ];

    private TokenSet? _seeded;

    /// <summary>Whether the text is a value of the ring, seeded or not yet.</summary>
    public bool Holds(string token) => ring?.Verify(token, out _) ?? false;

    /// <summary>Whether a row is one of those seeded here.</summary>
    public static bool Seeded(string? createdBy) => Array.Exists(Kinds, kind => kind.CreatedBy == createdBy);

    /// <summary>Notes which slot a token came from that was let in by its row; those that are no deployment's are none of the ring's. True when it was a previous one.</summary>
    public bool Note(string hash)
    {
        var previous = false;
        if (ring is null) return previous;
        foreach (var (slot, token) in ring.Tokens.All())
        {
            if (!Kinds.Any(kind => SecretHash.Of(kind.Value(token)) == hash)) continue;
            ring.Matches.Add(slot);
            previous |= slot == KeySlot.Previous;
        }

        return previous;
    }

    /// <summary>Notes from where a previous value came.</summary>
    public void NoteUser(IPAddress? from) => ring?.Matches.PreviousUsers.Add(from);

    /// <summary>Seeds what the ring holds, unless that has been done; only an instance whose own slots changed revokes rows.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        var tokens = ring?.Tokens;
        if (tokens is null || ReferenceEquals(tokens, _seeded)) return;
        // While the token rotates, an instance that starts with older files must not revoke what others use already.
        var starting = _seeded is null;
        var revokes = !starting || await database.ReadAsync(
            async connection => await RotationStore.FindOpenAsync(connection, KeyClass.AdminToken, "") is null, cancellationToken);
        await SeedAsync(database, tokens, revokes, clock.Now, cancellationToken);
        _seeded = tokens;
    }

    private static async Task SeedAsync(Database database, TokenSet held, bool revokes, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var tokens = held.All().Select(slot => slot.Token).ToList();
        await database.WriteAsync(
            async work =>
            {
                foreach (var kind in Kinds)
                {
                    var hashes = tokens.Select(token => SecretHash.Of(kind.Value(token))).ToList();
                    if (revokes) await AdminTokenStore.RevokeOthersAsync(work, kind.CreatedBy, hashes, now);
                    foreach (var hash in hashes)
                    {
                        await AdminTokenStore.SeedAsync(work, Row(kind.Name, kind.Capability, kind.CreatedBy, hash, now));
                    }
                }
            },
            cancellationToken);
    }

    private static AdminTokenRow Row(string name, string capability, string createdBy, string hash, DateTimeOffset now) => new()
    {
        Id = Ids.New(),
        Name = name,
        TokenHash = hash,
        Scope = "global",
        Capability = capability,
        CreatedBy = createdBy,
        CreatedAt = now,
    };
}
