using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Caracal.Audit;
using Caracal.Audit.Tampering;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Servers;
using Caracal.Evidence.Trail;
using Caracal.Hosting;
using Caracal.Hosting.Http;
using Caracal.Keys.Rings;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Caracal.Storage.Migrations;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;
using Caracal.Storage.Sqlite;
using Caracal.Streams.InProcess;
using Caracal.Streams.State;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;

namespace Caracal.Cli.Bench;

/// <summary><c>caracal bench audit</c>: ingest, verification and look-ups of the ledger on either engine.</summary>
internal static class AuditBench
{
    private const int Batch = 1000;
    private const int SmallLedger = 10_000;
    private const int Lookups = 400;
    private const string Zone = "bench-zone";

    // Events come in about the order in which they happened.
    private static readonly DateTime Start = new(2026, 7, 12, 10, 0, 0, DateTimeKind.Utc);

    /// <param name="postgres">Over a private PostgreSQL, under the Audit service's own login; else embedded.</param>
    /// <param name="context">Where the figures go.</param>
    public static Task<int> RunAsync(bool postgres, CommandContext context)
    {
        var events = context.Arguments.Integer("events", 1_000_000, SmallLedger, 10_000_000);
        return postgres ? OnPostgresAsync(context, events) : EmbeddedAsync(context, events);
    }

    private static async Task<int> EmbeddedAsync(CommandContext context, int events)
    {
        var home = context.Arguments.Value("home") ?? Directory.CreateTempSubdirectory("caracal-bench-").FullName;
        var path = Path.Combine(Directory.CreateDirectory(home).FullName, $"audit-{Guid.NewGuid():N}.db");
        try
        {
            await using var database = new SqliteDatabase(path, TimeProvider.System);
            await Migrator.MigrateAsync(database, TimeProvider.System.GetUtcNow(), context.Stop);
            await MeasureAsync(context, database, events, () => Task.FromResult(new DirectoryInfo(home).EnumerateFiles(Path.GetFileName(path) + "*").Sum(file => file.Length)));
            return 0;
        }
        finally
        {
            if (context.Arguments.Value("home") is null) Directory.Delete(home, recursive: true);
        }
    }

    private static async Task<int> OnPostgresAsync(CommandContext context, int events)
    {
        await using var server = await LocalPostgres.CreateAsync(LocalFleet.DatabaseName, context.Stop);
        var administrator = PostgresAddress.Parse(server.Url(LocalFleet.DatabaseName));
        var passwords = ServiceRole.All.ToDictionary(role => role, _ => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)));
        await MigrationJob.RunAsync(new MigrationJobSettings { Administrator = administrator, Passwords = passwords }, TimeProvider.System, _ => { }, context.Stop);
        await using var owner = new PostgresDatabase(administrator, new PostgresSettings { Instance = "bench" });
        await using var database = new PostgresDatabase(
            PostgresAddress.Parse(server.Url(LocalFleet.DatabaseName, ServiceRole.Audit.FirstLogin, passwords[ServiceRole.Audit])),
            new PostgresSettings { Role = ServiceRole.Audit, Instance = "bench" });
        await MeasureAsync(context, database, events, () => owner.ReadAsync(connection => connection.ExecuteScalarAsync<long>(
            "SELECT sum(pg_total_relation_size(relid))::bigint FROM pg_partition_tree('audit_events') WHERE isleaf")));
        return 0;
    }

    private static async Task MeasureAsync(CommandContext context, Database database, int events, Func<Task<long>> size)
    {
        var clock = new DatabaseClock(database, TimeProvider.System);
        await clock.MeasureAsync(context.Stop);
        var keys = HmacKeyRing.Of(KeyClass.AuditHmac, RandomNumberGenerator.GetBytes(32));
        var settings = new AuditSettings { Mode = CaracalMode.Dev, Listen = new ListenSettings { Host = "127.0.0.1", Port = 0 }, AuditKeys = keys };
        using var state = new InProcessState(TimeProvider.System);
        await using var audit = new AuditService(settings, database, clock, new InProcessStreams(TimeProvider.System), state, NullLogger.Instance);

        var reader = new LedgerReader(database);
        var ingest = await IngestAsync(audit.JournalSink, 0, SmallLedger, context.Stop);
        await LookUpAsync(reader, SmallLedger, context.Stop); // warm
        var small = await LookUpAsync(reader, SmallLedger, context.Stop);
        ingest += await IngestAsync(audit.JournalSink, SmallLedger, events, context.Stop);
        var large = await LookUpAsync(reader, events, context.Stop);
        var watch = Stopwatch.StartNew();
        var report = await new LedgerVerification(database, keys).VerifyAllAsync(context.Stop);
        if (!report.IsClean || report.Checked != events) throw new CommandFailure($"the ledger holds {report.Checked} of {events} events, clean: {report.IsClean}");
        var verify = events / watch.Elapsed.TotalSeconds;
        var bytes = (double)await size() / events;
        var text = string.Create(CultureInfo.InvariantCulture,
            $$"""{"ingest_events_per_second":{{events / ingest.TotalSeconds:0}},"verify_events_per_second":{{verify:0}},"bytes_per_event":{{bytes:0}},"query_growth":{{large / small:0.00}},"query_p99_ms_small":{{small:0.000}},"query_p99_ms":{{large:0.000}},"events":{{events}}}""");
        context.Terminal.Line(context.Json ? text : text.Trim('{', '}').Replace("\"", "", StringComparison.Ordinal).Replace(",", "\n", StringComparison.Ordinal).Replace(":", ": ", StringComparison.Ordinal));
    }

    private static async Task<TimeSpan> IngestAsync(IAuditSink sink, int from, int to, CancellationToken stop)
    {
        var spent = TimeSpan.Zero;
        for (var first = from; first < to; first += Batch)
        {
            var batch = Enumerable.Range(first, Math.Min(Batch, to - first)).Select(Event).ToList();
            var watch = Stopwatch.StartNew();
            await sink.ShipAsync(batch, stop);
            spent += watch.Elapsed;
        }

        return spent;
    }

    // The p99 of look-ups by request id and of pages of a hundred, spread over the whole ledger.
    private static async Task<double> LookUpAsync(LedgerReader reader, int events, CancellationToken stop)
    {
        var times = new List<double>(Lookups);
        for (var i = 0; i < Lookups; i++)
        {
            var seq = (long)i * events / Lookups;
            var query = new LedgerQuery
            {
                ZoneId = Zone,
                RequestId = i % 2 == 0 ? $"req-{seq}" : null,
                AfterSeq = i % 2 == 0 ? 0 : seq,
                Since = DateTimeOffset.UnixEpoch,
                Until = DateTimeOffset.UnixEpoch.AddYears(200),
            };
            var watch = Stopwatch.StartNew();
            if ((await reader.SearchAsync(query, stop)).Count == 0) throw new CommandFailure($"event {seq} was not found");
            times.Add(watch.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        return times[(Lookups * 99 / 100) - 1];
    }

    private static ReadOnlyMemory<byte> Event(int number) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture,
        $$$"""{"id":"bench-{{{number:D9}}}","zone_id":"{{{Zone}}}","event_type":"token_exchange","request_id":"req-{{{number}}}","decision":"allow","policy_set_version_id":"psv-1","manifest_sha":"3a6eb079","evaluation_status":"complete","determining_policies_json":[{"policy":"allow-read"}],"diagnostics_json":[],"metadata_json":{"application_id":"app-1","requested_scopes":["read"],"resource":"resource://pipernet","agent_session_id":"s-{{{number % 100}}}"},"occurred_at":"{{{Start.AddMilliseconds(number):yyyy-MM-ddTHH:mm:ss.fff}}}Z"}"""));
}
