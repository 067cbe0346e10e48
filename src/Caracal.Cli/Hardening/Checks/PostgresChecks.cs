using System.Data.Common;
using Caracal.Stack;
using Caracal.Storage;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Dapper;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>How services reach PostgreSQL, and what they may do there.</summary>
internal static class PostgresChecks
{
    private const int Spare = 10;
    private const int DefaultPool = 20;
    private const double Share = 0.8;

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-PG-1", "transport to PostgreSQL", "sslmode of DATABASE_URL", "verify-full to other hosts",
            "tokens, policies, audit and ciphertext travel in clear",
            "Add sslmode=verify-full to every DATABASE_URL.",
            Check.Look(Transport)) { BeforeTraffic = true },
        new(
            "H-PG-2", "logins of services", "user of DATABASE_URL", "each service's own login, without further attributes",
            "full bypass of application controls",
            "Run caracal provision, and give each service its own URL.",
            LoginsAsync),
        new(
            "H-PG-3", "effective grants", "grants and row-level security", "what the matrix gives, and no more",
            "evidence can be altered",
            "Run caracal migrate: it makes grants and row-level security agree again.",
            GrantsAsync),
    ];

    private static Finding Transport(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var role in StackRoles.Services)
        {
            if (deployment.DatabaseAddress(role, verdict) is not { } address) continue;
            if (address.IsNear || address.VerifiesHost) verdict.Ok("verify-full, or a host of the private network");
            else if (address.RequiresTls) verdict.Warn($"{role}: TLS to {address.Host}, without a check that it is that host");
            else verdict.Fail($"{role}: no TLS is required to {address.Host}");
        }

        return verdict.Finding(Nothing(deployment));
    }

    private static async Task<Finding> LoginsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        await EachAsync(deployment, verdict, async (role, connection) =>
        {
            var report = await PrivilegeAudit.LoginAsync(connection, role);
            foreach (var problem in report.Problems) verdict.Fail($"{role} logs in as {report.Login}: {problem}");
            verdict.Ok("every service has a login of its own");
        }, stop);
        if (!deployment.IsEmbedded) await PoolsAsync(deployment, verdict, stop);
        return verdict.Finding(Nothing(deployment));
    }

    // All pools, and the connection of each instance that listens, must leave room for administrators and for an instance that is replaced (operations.md 7.3).
    private static async Task PoolsAsync(Deployment deployment, Verdict verdict, CancellationToken stop)
    {
        var instances = await LiveInstances.ListAsync(deployment, stop);
        var wanted = Spare;
        foreach (var role in ServiceRole.All)
        {
            var name = role == ServiceRole.Api || role == ServiceRole.Coordinator ? "DB_POOL_MAX" : "DB_MAX_CONNS";
            var pool = (await deployment.Effective.FindAsync(name, [role.Name], stop)).Select(seen => int.TryParse(seen.Value, out var set) ? set : DefaultPool).DefaultIfEmpty(DefaultPool).Max();
            wanted += (pool + 1) * Math.Max(1, instances.Count(instance => instance.Service == role.Name));
        }

        var looked = false;
        await EachAsync(deployment, new Verdict(), async (_, connection) =>
        {
            if (looked) return;
            looked = true;
            var most = int.Parse(await connection.ExecuteScalarAsync<string>("SHOW max_connections") ?? "0", System.Globalization.CultureInfo.InvariantCulture);
            if (wanted > Share * most) verdict.Warn($"pools and {Spare} others may want {wanted} connections, more than four fifths of max_connections {most}");
        }, stop);
    }

    private static async Task<Finding> GrantsAsync(Deployment deployment, CancellationToken stop)
    {
        var verdict = new Verdict();
        var looked = false;
        await EachAsync(deployment, verdict, async (_, connection) =>
        {
            if (looked) return; // Any login sees the rights of all.
            looked = true;
            foreach (var role in ServiceRole.All)
            {
                foreach (var excess in await PrivilegeAudit.ExcessAsync(connection, role)) verdict.Fail(excess);
            }

            foreach (var table in await PrivilegeAudit.UnguardedAsync(connection)) verdict.Fail($"row-level security is off on {table}");
            verdict.Ok("grants and row-level security are as the matrix says");
        }, stop);
        return verdict.Finding(Nothing(deployment));
    }

    private static string Nothing(Deployment deployment) => deployment.IsEmbedded ? "the embedded store uses no PostgreSQL" : "no DATABASE_URL is set";

    private static async Task EachAsync(Deployment deployment, Verdict verdict, Func<ServiceRole, DbConnection, Task> look, CancellationToken stop)
    {
        foreach (var role in ServiceRole.All)
        {
            if (deployment.DatabaseAddress(role.Name, verdict) is not { } address) continue;
            await using var database = new PostgresDatabase(
                address, new PostgresSettings { Role = role, MaximumConnections = 2, MinimumConnections = 0, Instance = "harden" });
            try
            {
                await database.ReadAsync(async connection =>
                {
                    await look(role, connection);
                    return 0;
                }, stop);
            }
            catch (StorageUnavailableException)
            {
                verdict.Unseen($"{role} does not reach PostgreSQL at {address.Host}");
            }
        }
    }
}
