using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage.AdminTokens;

namespace Caracal.ControlPlane.AdminTokens;

/// <summary>A new admin token: its row, and the value that is shown once.</summary>
internal sealed record MintedAdminToken(AdminTokenRow Row, string Token)
{
    private const int RandomBytes = 32;

    public static MintedAdminToken New(string name, string capability, string? zoneId, string createdBy, DateTimeOffset now)
    {
        var token = SecretMint.AdminToken();
        return new MintedAdminToken(
            new AdminTokenRow
            {
                Id = Ids.New(),
                Name = name,
                TokenHash = SecretHash.Of(token),
                EntropyBytes = RandomBytes,
                Scope = zoneId is null ? "global" : "zone",
                Capability = capability,
                ZoneId = zoneId,
                CreatedBy = createdBy,
                CreatedAt = now,
            },
            token);
    }

    public override string ToString() => $"{Row.Id} ***";
}
