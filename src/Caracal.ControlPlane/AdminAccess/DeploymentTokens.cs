using Caracal.Authority.AdminAccess;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.AdminTokens;

namespace Caracal.ControlPlane.AdminAccess;

/// <summary>
/// Seeds the rows of <c>CARACAL_ADMIN_TOKEN</c> and of the console tokens derived from it, for every loaded slot, and
/// revokes those of values that are loaded no more (api.md 2.3, 2.4).
/// </summary>
internal static class DeploymentTokens
{
    public static async Task SeedAsync(Database database, TokenRing? ring, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (ring is null) return;
        var tokens = ring.Tokens.All().Select(slot => slot.Token).ToList();
        (string Name, string Capability, string CreatedBy, Func<SecretText, string> Value)[] kinds =
        [
            ("bootstrap", "write", AdminCaller.Deployment, token => token.Reveal()),
            ("console-read-only", "read", "env-derived", ConsoleTokens.ReadOnly),
            ("console-write", "write", "env-derived-write", ConsoleTokens.Write),
            ("console-approve", "approve", "env-derived-approve", ConsoleTokens.Approve),
        ];
        await database.WriteAsync(
            async work =>
            {
                foreach (var kind in kinds)
                {
                    var hashes = tokens.Select(token => SecretHash.Of(kind.Value(token))).ToList();
                    await AdminTokenStore.RevokeOthersAsync(work, kind.CreatedBy, hashes, now);
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
