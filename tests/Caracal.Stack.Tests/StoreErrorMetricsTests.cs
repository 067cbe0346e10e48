using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Caracal.Hosting.Metrics;
using Caracal.Stack.Stores;
using Caracal.Storage;
using Caracal.Storage.Postgres;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Stack.Tests;

/// <summary><c>caracal_db_errors_total</c>: a PostgreSQL that fails is counted under what it failed of, and under nothing else (operations.md 6.3).</summary>
public sealed class StoreErrorMetricsTests
{
    [Theory]
    [InlineData("auth")]
    [InlineData("connect")]
    [InlineData("timeout")]
    public async Task A_failing_PostgreSQL_raises_the_counter_of_its_class_and_no_other(string failing)
    {
        var server = await PostgresServer.GetAsync();
        var (password, port) = (failing == "auth" ? "not-the-password" : PostgresServer.Password, failing == "connect" ? Closed() : server.Port);
        await using var database = new PostgresDatabase(
            PostgresAddress.Parse($"postgres://postgres:{password}@127.0.0.1:{port}/postgres?sslmode=disable"),
            new PostgresSettings { MaximumConnections = 2, MinimumConnections = 0, StatementTimeout = TimeSpan.FromMilliseconds(200), Instance = "errors" });
        var metrics = new MetricsRegistry();
        PoolMetrics.Register(metrics, "api", database.Pool);
        Assert.Equal((0, 0, 0), Errors(metrics));

        await Assert.ThrowsAnyAsync<StorageUnavailableException>(() => database.ReadAsync(connection => connection.ExecuteScalarAsync<string?>("SELECT pg_sleep(10)::text")));

        var (auth, connect, timeout) = Errors(metrics);
        var counted = new Dictionary<string, double>(StringComparer.Ordinal) { ["auth"] = auth, ["connect"] = connect, ["timeout"] = timeout };
        Assert.All(counted, pair => Assert.Equal(pair.Key == failing, pair.Value > 0));
    }

    private static int Closed()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    private static (double Auth, double Connect, double Timeout) Errors(MetricsRegistry metrics) => (Value(metrics, "auth"), Value(metrics, "connect"), Value(metrics, "timeout"));

    private static double Value(MetricsRegistry metrics, string kind)
    {
        var name = $"caracal_db_errors_total{{class=\"{kind}\"}} ";
        return double.Parse(metrics.ToText().Split('\n').Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..], CultureInfo.InvariantCulture);
    }
}
