using System.Globalization;
using Caracal.Evidence.AdminAudit;

namespace Caracal.Storage;

/// <summary>
/// A lock that one work holds until it ends (storage.md 7). On PostgreSQL the two chain families are two-argument locks,
/// so that writing a zone's evidence never waits for an activation in that zone. The embedded engine has one writer, so
/// there every work holds every lock.
/// </summary>
/// <param name="Space">First argument of the two-argument form; null for the one-argument form.</param>
/// <param name="Name">The text whose hash is the key.</param>
/// <param name="Key">A key that is a number itself; then <paramref name="Name"/> is empty.</param>
public readonly record struct AdvisoryLock(int? Space, string Name, long? Key)
{
    private const int AuditSpace = 0x41554454;
    private const int AdminAuditSpace = 0x41444D41;

    /// <summary>The lock of a text.</summary>
    public static AdvisoryLock Of(string name) => new(null, name, null);

    /// <summary>A job's fixed number.</summary>
    public static AdvisoryLock Job(long key) => new(null, "", key);

    /// <summary>Writing the decisions' chain of a zone.</summary>
    public static AdvisoryLock AuditChain(string zoneId) => new(AuditSpace, zoneId, null);

    /// <summary>Writing the admin chain of a zone, or the chain of what belongs to none.</summary>
    public static AdvisoryLock AdminAuditChain(string? zoneId) =>
        new(AdminAuditSpace, string.IsNullOrEmpty(zoneId) ? AdminAuditHash.GlobalChain : zoneId, null);

    /// <summary>The arguments of PostgreSQL's lock functions; a name is the parameter <c>@name</c>.</summary>
    internal string Arguments => Key is { } key ? key.ToString(CultureInfo.InvariantCulture)
        : Space is { } space ? string.Create(CultureInfo.InvariantCulture, $"{space}, hashtext(@name)")
        : "hashtext(@name)";
}
