using System.Diagnostics;
using System.Text.RegularExpressions;
using Caracal.Cli.CommandLine;
using Caracal.Cli.KeyRotation;
using Caracal.Cli.Servers;
using Caracal.Keys.Rotation;
using Caracal.Stack;
using Caracal.Streams;
using Caracal.Streams.Redis;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>A real Redis, started and asked by the very commands of its container, with prepared secrets.</summary>
public sealed class ComposeRedisTests
{
    [Fact]
    [Trait("requirement", "R42")]
    public async Task Users_and_rotated_passwords_outlive_a_restart()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        using var running = new Running(("CARACAL_MODE", "stable"));
        await using var server = await ComposedRedis.StartAsync(running.Home, limit.Token);
        running.Set("CARACAL_SECRETS_DIR", server.Operator);
        running.Set("REDIS_URL", server.Url("redisUrl"));
        var (exit, output, error) = await running.RunAsync("redis", "provision");
        Assert.Equal((0, ""), (exit, error));
        Assert.DoesNotContain("will not outlive", output, StringComparison.Ordinal);

        await server.RestartAsync(limit.Token);
        foreach (var service in (string[])["api", "sts", "gateway", "coordinator", "audit"]) await EntersAsync(server.Url(service + "RedisUrl"), limit.Token);

        var rotated = RotatableClass.Find("redis:sts")!;
        var file = running.Write(rotated.FileName, server.Url("stsRedisUrl"));
        using var said = new StringWriter();
        var password = new RedisPassword(new CommandContext(Arguments.Parse([]), running.Variables, new Terminal(said, said), limit.Token), running.Home, rotated);
        password.Promote(await password.StageAsync(limit.Token));
        Assert.Equal("", said.ToString()); // no warning that it would not last
        Assert.NotEqual(server.Url("stsRedisUrl"), await File.ReadAllTextAsync(file, limit.Token));

        await server.RestartAsync(limit.Token);
        await EntersAsync(await File.ReadAllTextAsync(file, limit.Token), limit.Token);
        await EntersAsync(server.Url("redisUrl"), limit.Token);
    }

    [Fact]
    public async Task Nobody_enters_without_a_password_however_the_users_were_left()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var running = new Running();
        await using var server = await ComposedRedis.StartAsync(running.Home, limit.Token);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(server.Users));
        Assert.DoesNotContain(server.Secret("redisPassword"), await File.ReadAllTextAsync(server.Users, limit.Token), StringComparison.Ordinal);

        foreach (var left in (string[])["", "user default on nopass ~* &* +@all\n"])
        {
            await File.WriteAllTextAsync(server.Users, left, limit.Token);
            await server.RestartAsync(limit.Token);
            var refused = await Assert.ThrowsAsync<StreamsUnavailableException>(() => EntersAsync(server.Url("redisUrl").Replace(server.Secret("redisPassword"), "another-password", StringComparison.Ordinal), limit.Token));
            Assert.Contains("refused our credentials", refused.Message, StringComparison.Ordinal);
            await EntersAsync(server.Url("redisUrl"), limit.Token);
        }
    }

    [Fact]
    public async Task Healthy_is_a_Redis_that_lets_its_administrator_in()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        using var running = new Running();
        await using var server = await ComposedRedis.StartAsync(running.Home, limit.Token);
        Assert.Equal(0, await server.HealthAsync(limit.Token));
        server.Write("redisPassword", "another-password");
        Assert.NotEqual(0, await server.HealthAsync(limit.Token));
    }

    private static async Task EntersAsync(string url, CancellationToken stop)
    {
        Assert.True(RedisOptions.TryParse(url, out var options, out var fault), fault);
        await using var redis = new RedisConnection(options);
        await redis.ExecuteAsync(["PING"], stop);
    }

    /// <summary>The service <c>redis</c> of compose.yaml without its container: its folders and port are ones of this test.</summary>
    private sealed class ComposedRedis : IAsyncDisposable
    {
        private static readonly object? Service = Yaml.One(File.ReadAllText(Path.Combine(Yaml.Deploy, "compose", "compose.yaml"))).At("services", "redis");

        private readonly string _folder;
        private readonly int _port = FreePorts.Take(1)[0];
        private Process? _process;

        private ComposedRedis(string folder) => _folder = folder;

        public string Operator => Path.Combine(_folder, "secrets", "operator");

        public string Users => Path.Combine(_folder, "data", "users.acl");

        public static async Task<ComposedRedis> StartAsync(string home, CancellationToken stop)
        {
            await RedisBinary.PathAsync;
            var server = new ComposedRedis(Path.Combine(home, "compose"));
            Directory.CreateDirectory(Path.Combine(server._folder, "data"));
            await ComposeTests.PrepareAsync(server._folder);
            var settings = await File.ReadAllTextAsync(Path.Combine(Yaml.Deploy, "compose", "redis.conf"), stop);
            Assert.Contains("./redis.conf:/etc/caracal/redis.conf:ro", Service.List("volumes"));
            await File.WriteAllTextAsync(Path.Combine(server._folder, "redis.conf"), server.Here(settings.Replace("port 6379", $"port {server._port}", StringComparison.Ordinal)) + "bind 127.0.0.1\n", stop);
            await server.StartAsync(stop);
            return server;
        }

        /// <summary>An address out of the operator's folder, as it is from here.</summary>
        public string Url(string name) => Regex.Replace(Secret(name), "@redis:6379$", $"@127.0.0.1:{_port}");

        public string Secret(string name) => File.ReadAllText(Path.Combine(Operator, name));

        /// <summary>Changes what the container sees.</summary>
        public void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, "secrets", "redis", name), text);

        public async Task<int> HealthAsync(CancellationToken stop)
        {
            var test = Service.List("healthcheck", "test");
            Assert.Equal("CMD-SHELL", test[0]);
            var script = Here((string)test[1]!).Replace("$$", "$", StringComparison.Ordinal).Replace("-h 127.0.0.1", $"-h 127.0.0.1 -p {_port}", StringComparison.Ordinal);
            using var process = LocalProcess.Launch(["sh", "-c", script]);
            await process.WaitForExitAsync(stop);
            return process.ExitCode;
        }

        public async Task RestartAsync(CancellationToken stop)
        {
            await DisposeAsync();
            await StartAsync(stop);
        }

        public async ValueTask DisposeAsync()
        {
            if (_process is null) return;
            await LocalProcess.EndAsync(_process, _process.Id, LocalProcess.Terminate);
            _process.Dispose();
            _process = null;
        }

        private async Task StartAsync(CancellationToken stop)
        {
            _process = LocalProcess.Launch([.. Service.List("command").Select(word => Here((string)word!))]);
            while (await HealthAsync(stop) != 0)
            {
                Assert.False(_process.HasExited, "redis-server ended");
                await Task.Delay(50, stop);
            }
        }

        private string Here(string text) => text
            .Replace("/run/secrets", Path.Combine(_folder, "secrets", "redis"), StringComparison.Ordinal)
            .Replace("/etc/caracal", _folder, StringComparison.Ordinal)
            .Replace("/data", Path.Combine(_folder, "data"), StringComparison.Ordinal);
    }
}
