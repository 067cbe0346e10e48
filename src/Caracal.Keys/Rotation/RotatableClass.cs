using System.Collections.Immutable;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Rotation;

/// <summary>One class of material that rotates through the three slots of a ring (operations.md 2.1, 4.5).</summary>
/// <param name="Id">Class id of <see cref="KeyClass"/>.</param>
/// <param name="Variable">Environment variable of its current slot.</param>
/// <param name="Readers">Services that verify or open with it.</param>
/// <param name="Overlap">How long the old value is kept after the roll unless asked otherwise.</param>
/// <param name="MinimumOverlap">The least that may be asked for outside an emergency.</param>
/// <param name="MaximumAgeDays">When <c>harden</c> begins to complain.</param>
public sealed record RotatableClass(
    string Id, string Variable, ImmutableArray<string> Readers, TimeSpan Overlap, TimeSpan MinimumOverlap, int MaximumAgeDays)
{
    private const string Api = "api";
    private const string Sts = "sts";
    private const string Gateway = "gateway";
    private const string Coordinator = "coordinator";
    private const string Audit = "audit";
    private const string Console = "console";

    // The longest a mandate can be believed: its life, the clocks' skew and a verifier's cache.
    private static readonly TimeSpan MandateLife = TimeSpan.FromSeconds(3960);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan HalfHour = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Receipts = TimeSpan.FromSeconds(604_800);

    // The longest life of a sign-in: a shorter overlap asks people to sign in again.
    private static readonly TimeSpan SignIns = TimeSpan.FromDays(7);

    /// <summary>Every class with a ring, in the order of the inventory.</summary>
    public static ImmutableArray<RotatableClass> All { get; } =
    [
        new(KeyClass.ZoneKek, SecretFiles.ZoneKek, [Api, Sts], Hour, HalfHour, 365),
        new(KeyClass.AuditHmac, SecretFiles.AuditHmacKey, [Api, Sts, Gateway, Coordinator, Audit], Hour, HalfHour, 365),
        new(KeyClass.StreamsHmac, SecretFiles.StreamsHmacKey, [Api, Sts, Gateway, Coordinator, Audit], TimeSpan.FromHours(24), MandateLife, 365),
        new(KeyClass.GatewayStsHmac, SecretFiles.GatewayStsHmacKey, [Api, Sts, Gateway], Hour, TimeSpan.FromMinutes(5), 180),
        new(KeyClass.IdempotencyHmac, SecretFiles.IdempotencyHmacKey, [Coordinator], Receipts, Receipts, 365),
        new(KeyClass.AdminToken, SecretFiles.AdminToken, [Api, Gateway], Hour, TimeSpan.Zero, 90),
        new(KeyClass.CoordinatorToken, SecretFiles.CoordinatorToken, [Coordinator], Hour, TimeSpan.Zero, 90),
        new(KeyClass.MetricsBearer, SecretFiles.MetricsBearer, [Api, Sts, Gateway, Coordinator, Audit, Console], Hour, TimeSpan.Zero, 180),
        new(KeyClass.ConsoleReportToken, SecretFiles.ConsoleReportToken, [Api, Console], Hour, TimeSpan.Zero, 180),
        new(KeyClass.StsAdminToken, SecretFiles.StsAdminToken, [Sts], Hour, TimeSpan.Zero, 90),
        new(KeyClass.AuditAdminToken, SecretFiles.AuditAdminToken, [Audit], Hour, TimeSpan.Zero, 90),
        new(KeyClass.AuthSecret, SecretFiles.AuthSecret, [Console], SignIns, TimeSpan.Zero, 180),
    ];

    /// <summary>The ways of each service into PostgreSQL and Redis (operations.md 4.6.7, 4.6.8).</summary>
    public static ImmutableArray<RotatableClass> Credentials { get; } =
    [
        .. ((string[])[Api, Sts, Gateway, Coordinator, Audit]).Select(service => new RotatableClass("postgres:" + service, "DATABASE_URL", [service], Hour, TimeSpan.FromMinutes(5), 180) { File = service + "DatabaseUrl" }),
        .. ((string[])[Api, Sts, Gateway, Coordinator, Audit]).Select(service => new RotatableClass("redis:" + service, "REDIS_URL", [service], Hour, TimeSpan.FromMinutes(5), 180) { File = service + "RedisUrl" }),
    ];

    /// <summary>Every class that instances report.</summary>
    public static IEnumerable<RotatableClass> Known => All.Concat(Credentials);

    /// <summary>The class of an id; null when nothing of that name rotates this way.</summary>
    public static RotatableClass? Find(string id) => Known.FirstOrDefault(known => known.Id == id);

    /// <summary>Of a way into a store; null for keys and tokens, whose file follows from their variable.</summary>
    public string? File { get; private init; }

    /// <summary>The file of the current slot in a secrets folder.</summary>
    public string FileName => File ?? SecretFiles.FileNameOf(Variable);

    /// <summary>What may rotate together: the logins of all services, or one class alone (operations.md 4.3).</summary>
    public string Family => Id.Split(':')[0];

    /// <summary>A previous value may go only when nobody has come with it for a while: whoever holds it must be switched first (operations.md 4.5).</summary>
    public bool DrainsByUse => Id is KeyClass.GatewayStsHmac or KeyClass.AdminToken or KeyClass.CoordinatorToken or KeyClass.MetricsBearer or KeyClass.ConsoleReportToken
        or KeyClass.StsAdminToken or KeyClass.AuditAdminToken;

    /// <summary>Its values are texts that are compared, not keys in hex.</summary>
    public bool IsToken => Id is KeyClass.AdminToken or KeyClass.CoordinatorToken or KeyClass.MetricsBearer or KeyClass.ConsoleReportToken or KeyClass.StsAdminToken
        or KeyClass.AuditAdminToken or KeyClass.AuthSecret;
}
