using Caracal.Keys.Secrets;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Resp;
using Caracal.Streams.Tests.Servers;
using Caracal.TestKit;
using Npgsql;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>The good deployment over a PostgreSQL and a Redis that <c>caracal provision</c> prepared.</summary>
public sealed class StoreDeployment(RedisServer redis) : IAsyncLifetime
{
    private static readonly (string Name, string Good)[] Persistence = [("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("appendfsync", "everysec")];

    private readonly string _database = $"pairs_{Guid.NewGuid():N}";
    private readonly string _secrets = Directory.CreateTempSubdirectory("caracal-pairs-").FullName;
    private PostgresServer _server = null!;

    internal LiveDeployment Live { get; } = new();

    /// <summary>How every check was before the first fault.</summary>
    internal Dictionary<string, (string Status, bool Evaluated, string Detail)> Hardened { get; private set; } = [];

    /// <summary>How every question of the doctor was answered before the first fault.</summary>
    internal Dictionary<string, (string Status, bool Evaluated, string Detail)> Diagnosed { get; private set; } = [];

    internal string AdministratorUrl => $"postgres://postgres:{PostgresServer.Password}@127.0.0.1:{_server.Port}/{_database}?sslmode=disable";

    internal int RedisPort => redis.Port;

    internal string RedisUrl => $"redis://:{RedisServer.Password}@127.0.0.1:{redis.Port}";

    public async ValueTask InitializeAsync()
    {
        await Live.InitializeAsync();
        _server = await PostgresServer.GetAsync();
        SecretFolder.Prepare(_secrets);
        foreach (var file in Directory.GetFiles(Live.Secrets)) File.Copy(file, Path.Combine(_secrets, Path.GetFileName(file)));
        using var operations = new Running(("CARACAL_MODE", "dev"), ("CARACAL_SECRETS_DIR", _secrets), ("DATABASE_URL", AdministratorUrl), ("REDIS_URL", RedisUrl));
        var provisioned = await operations.RunAsync("provision");
        Assert.True(provisioned.Exit == 0, provisioned.Output + provisioned.Error);
        await MendAsync();
        using var deployment = Copy();
        Hardened = await deployment.HardenAsync(skip: "H-TLS-5");
        Diagnosed = await deployment.DoctorAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Live.DisposeAsync();
        await _server.DropDatabaseAsync(_database);
        Directory.Delete(_secrets, recursive: true);
    }

    /// <summary>Variables and files of their own over the same stores.</summary>
    internal GoodDeployment Copy()
    {
        var deployment = new GoodDeployment(Live) { Stores = this };
        foreach (var file in Directory.GetFiles(_secrets)) File.Copy(file, deployment.Secret(Path.GetFileName(file)), overwrite: true);
        return deployment;
    }

    /// <summary>Changes the database as its owner.</summary>
    internal void Execute(string sql)
    {
        using var owner = new NpgsqlConnection(_server.ConnectionString(_database));
        owner.Open();
        using var command = new NpgsqlCommand(sql, owner);
        command.ExecuteNonQuery();
    }

    /// <summary>One command to Redis as its administrator.</summary>
    internal async Task CommandAsync(params string[] words)
    {
        Assert.True(RedisOptions.TryParse(RedisUrl, out var options, out _));
        await using var connection = new RedisConnection(options);
        Assert.NotEqual(RespKind.Error, (await connection.ExecuteAsync(words, default)).Kind);
    }

    /// <summary>Makes both stores good again.</summary>
    internal async Task MendAsync()
    {
        Execute("REVOKE DELETE ON audit_events FROM caracalaudit; ALTER TABLE sessions ENABLE ROW LEVEL SECURITY");
        foreach (var (name, good) in Persistence) await CommandAsync("CONFIG", "SET", name, good);
        await CommandAsync("ACL", "SETUSER", "default", "resetpass", ">" + RedisServer.Password);
    }
}
