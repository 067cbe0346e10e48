using System.Diagnostics;
using System.Security.Cryptography;
using Caracal.Cli.Servers;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Stack;
using Caracal.Streams.Redis;

namespace Caracal.Cli.Drills;

/// <summary>A service, or somebody who pretends to be one, has another key than the rest.</summary>
internal static class KeyDrills
{
    private const string DeadLetters = "caracal_dead_letters{stream=\"caracal.sessions.revoke.dead\"}";
    private const string ExchangeErrors = "caracal_gateway_sts_exchange_errors_total";
    private const int ReasonLength = 200;
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(30);

    public static Drill WrongStreamsKey { get; } = new(
        "wrong-streams-key", "messages come signed with a key that nobody has", "CaracalRevocationDeadLetters",
        async run =>
        {
            run.Held = await Held.TakeAsync(run, StackRoles.Gateway, DeadLetters);
            await ForgeAsync(run);
            await run.System.Fleet.Find(StackRoles.Gateway).StopAsync();
        },
        async run =>
        {
            await RefusesToStartAsync(run, StackRoles.Gateway, SecretFiles.StreamsHmacKey, "key_not_registered: streams-hmac");
            await StartAsync(run, StackRoles.Gateway);
            await run.RaisesAsync(StackRoles.Gateway, DeadLetters, run.Held!.Figure);
            run.Expect("a forged revocation ends nothing", await run.System.TryAllowedAsync(run.Stop));
        },
        run => run.System.RedisAsync(["DEL", Topics.Dead(Topics.SessionsRevoke)], run.Stop));

    public static Drill LostKek { get; } = new(
        "lost-kek-slot", "the STS starts without the key that its values are sealed with", "CaracalGatewaySTSExchangeErrors",
        async run =>
        {
            run.Held = await Held.TakeAsync(run, StackRoles.Gateway, ExchangeErrors);
            await run.System.Fleet.Find(StackRoles.Sts).StopAsync();
        },
        async run =>
        {
            await RefusesToStartAsync(run, StackRoles.Sts, SecretFiles.ZoneKek, "zone-kek");
            var mint = await run.System.MintAsync(run.System.Authority, GovernedScopes.Read, run.Stop);
            run.Expect("no mandate is issued", !mint.IsSuccess, $"mint {mint.Status}");
            var call = await run.System.CallAsync(run.Held!.Mandate, run.Stop);
            run.Expect("a mandate from before is not spent", !call.IsSuccess, $"call {call.Status} {call["error"]}");
            await run.RaisesAsync(StackRoles.Gateway, ExchangeErrors, run.Held!.Figure);
        },
        run => StartAsync(run, StackRoles.Sts)); // with the key from escrow, which is the folder it always had

    private static Task StartAsync(DrillRun run, string role)
    {
        var service = run.System.Fleet.Find(role);
        service.Start();
        return run.System.Fleet.WaitUntilReadyAsync([service], run.Stop);
    }

    // What ends a session, from somebody who can write to Redis and has no key.
    private static async Task ForgeAsync(DrillRun run)
    {
        var ring = HmacKeyRing.Of(KeyClass.StreamsHmac, RandomNumberGenerator.GetBytes(32));
        var fields = StreamSignature.Seal(ring, Topics.SessionsRevoke,
        [
            new("zone_id", run.System.Zone.ZoneId), new("agent_session_id", run.System.Authority.SessionId), new("reason", "drill"), new("outbox_id", Ids.New()),
        ]);
        if (!RedisOptions.TryParse(run.System.Fleet.Redis.Url, out var options, out var fault)) throw new CommandLine.CommandFailure(fault);
        await using var connection = new RedisConnection(options);
        await new RedisStreams(connection).AppendAsync(Topics.SessionsRevoke, fields, maximumLength: null, run.Stop);
    }

    private static async Task RefusesToStartAsync(DrillRun run, string role, string variable, string says)
    {
        var secrets = Path.Combine(run.System.Fleet.Files.Folder, $"secrets-{Ids.New()}");
        SecretFolder.Prepare(secrets);
        foreach (var file in Directory.GetFiles(run.System.Fleet.Files.Secrets)) File.Copy(file, Path.Combine(secrets, Path.GetFileName(file)));
        await File.WriteAllTextAsync(Path.Combine(secrets, SecretFiles.FileNameOf(variable)), RandomNumberGenerator.GetHexString(64, lowercase: true), run.Stop);
        var own = run.System.Fleet.Find(role);
        await using var other = new FleetService(
            role, 0, own.Url, Path.Combine(run.System.Fleet.Files.Folder, $"{role}-{Ids.New()}.log"),
            new Dictionary<string, string?>(own.Variables, StringComparer.Ordinal) { ["CARACAL_SECRETS_DIR"] = secrets });
        other.Start();
        var start = Stopwatch.GetTimestamp();
        while (!other.HasEnded && Stopwatch.GetElapsedTime(start) < EndTime) await Task.Delay(50, run.Stop);
        var log = await File.ReadAllTextAsync(other.Log, run.Stop);
        run.Expect($"{role} refuses to start with another {variable}", other.HasEnded && log.Contains(says, StringComparison.Ordinal), other.HasEnded ? Reason(log, says) : "it runs");
    }

    private static string Reason(string log, string says) => log.IndexOf(says, StringComparison.Ordinal) is var at and >= 0
        ? log.AsSpan(at, Math.Min(log.Length - at, ReasonLength)).ToString().Split('\n', ';')[0]
        : "it ended for another reason: " + log[^Math.Min(log.Length, ReasonLength)..];
}
