using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.KeyRotation;
using Caracal.Keys.Rotation;
using Caracal.Streams.Redis;
using Caracal.Streams.Tests.Servers;

namespace Caracal.Cli.Tests.KeyRotation;

[Collection("users of Redis")] // one server, and each provisioning gives its users other passwords
public sealed class RedisPasswordTests(RedisServer redis)
{
    private const string User = "caracal-coordinator";

    [Fact]
    public async Task A_service_that_entered_anew_before_the_last_one_did_is_drained_and_one_that_never_did_is_not()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await using var administrator = new RedisConnection(Options(Url("", RedisServer.Password)));
        await administrator.ExecuteAsync(["ACL", "SETUSER", User, "reset", "on", ">the-first-password-of-tests", "~*", "+@all"], limit.Token);
        using var running = new Running(("CARACAL_MODE", "dev"), ("REDIS_URL", Url("", RedisServer.Password)));
        var rotated = RotatableClass.Find("redis:coordinator")!;
        var file = running.Write(rotated.FileName, Url(User, "the-first-password-of-tests"));
        var context = new CommandContext(Arguments.Parse([]), running.Variables, new Terminal(TextWriter.Null, TextWriter.Null), limit.Token);
        var password = new RedisPassword(context, running.Home, rotated);
        await using var former = new RedisConnection(Options(File.ReadAllText(file)));
        await former.ExecuteAsync(["PING"], limit.Token);
        await Task.Delay(TimeSpan.FromSeconds(2.5), limit.Token); // Redis tells ages in whole seconds

        var sid = await password.StageAsync(limit.Token);
        password.Promote(sid);
        await using var current = new RedisConnection(Options(File.ReadAllText(file)));
        await current.ExecuteAsync(["PING"], limit.Token);
        await Task.Delay(TimeSpan.FromSeconds(3), limit.Token); // until the last service has reported

        var rotation = JsonSerializer.SerializeToElement(new { rolled_at = TimeProvider.System.GetUtcNow().UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture) });
        for (var looks = Stopwatch.StartNew(); looks.Elapsed < TimeSpan.FromSeconds(1.5); await Task.Delay(50, limit.Token)) // whatever part of a second the clock of Redis is in
        {
            Assert.Equal($"{User} still has 1 connections from before the roll", await password.UndrainedAsync(sid, rotation, limit.Token));
        }

        await former.DisposeAsync();
        while (await password.UndrainedAsync(sid, rotation, limit.Token) is not null) await Task.Delay(50, limit.Token);
        await current.ExecuteAsync(["PING"], limit.Token);
    }

    private string Url(string user, string password) => $"redis://{user}:{password}@127.0.0.1:{redis.Port}";

    private static RedisOptions Options(string url) => RedisOptions.TryParse(url, out var options, out var fault) ? options : throw new ArgumentException(fault);
}
