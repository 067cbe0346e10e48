using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;
using Caracal.Storage.Privileges;
using Caracal.Streams;
using Caracal.Streams.Redis;
using Caracal.Streams.Redis.Upkeep;

namespace Caracal.Cli.KeyRotation;

/// <summary>A service's way into Redis: its user has both passwords until the old one goes (operations.md 4.6.8).</summary>
internal sealed class RedisPassword(CommandContext context, string folder, RotatableClass rotated) : IRotatedMaterial
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ReentryTime = TimeSpan.FromSeconds(30);

    private readonly CredentialFiles _files = new(folder, rotated);
    private readonly RedisUser _user = RedisUser.All.First(user => user.Service == rotated.Readers[0]);

    public string NextPath => _files.NextPath;

    public string? Current => _files.CurrentId;

    public async Task<string> StageAsync(CancellationToken stop)
    {
        if (_files.Current is not { } current) throw new CommandFailure($"there is no {rotated.FileName} in {folder}; a REDIS_URL given by a variable cannot be rotated");
        var options = Parse(current);
        if (options.User != _user.Name) throw new CommandFailure($"{rotated.FileName} does not enter as {_user.Name}; run caracal provision first");
        var password = _files.Next is { } staged ? CredentialAddress.PasswordOf(staged) : ServiceLogins.NewPassword();
        await AdministerAsync(async passwords => await passwords.AddAsync(_user.Name, password, stop), save: true, stop);
        if (await RefusalAsync(options with { Password = new SecretText(password) }, stop) is { } refusal) throw new CommandFailure($"Redis: {refusal}");
        if (_files.NextId is { } id) return id;
        var next = new UriBuilder(current) { Password = password }.Uri.AbsoluteUri;
        return _files.Stage(next, TimeProvider.System.GetUtcNow());
    }

    public async Task DiscardAsync(string sid, CancellationToken stop)
    {
        if (!_files.IsOnlyStaged(sid)) return;
        await AdministerAsync(passwords => passwords.RemoveAsync(_user.Name, CredentialAddress.PasswordOf(_files.Next!), stop), save: true, stop);
        _files.Discard();
    }

    public void Promote(string sid)
    {
        _files.Promote(sid);
        KeepPassword();
    }

    public void Restore(string sid)
    {
        _files.Restore(sid);
        KeepPassword();
    }

    public async Task<string?> UndrainedAsync(string sid, JsonElement rotation, CancellationToken stop)
    {
        IReadOnlyList<long> old = [];
        await AdministerAsync(
            async passwords =>
            {
                old = await passwords.ConnectionsBeforeAsync(_user.Name, SinceNewAddress(rotation), stop);
                foreach (var connection in old) await passwords.WakeAsync(connection, stop);
            },
            save: false,
            stop);
        return old.Count > 0 ? $"{_user.Name} still has {old.Count} connections from before the roll" : null;
    }

    public async Task<string?> ProveBothAsync(CancellationToken stop)
    {
        foreach (var url in new[] { _files.Current, _files.Previous }.OfType<string>())
        {
            if (await RefusalAsync(Parse(url), stop) is { } refusal) return $"Redis: {refusal}";
        }

        return null;
    }

    /// <summary>
    /// Redis does not say with which password a connection was made. So once the old one lets nobody in, the services are
    /// made to enter anew, and what entered before that and is still there does not belong to them.
    /// </summary>
    public async Task RetireAsync(string sid, JsonElement rotation, CancellationToken stop)
    {
        if (_files.PreviousId == sid)
        {
            var leaving = _files.Previous!;
            await AdministerAsync(passwords => passwords.RemoveAsync(_user.Name, CredentialAddress.PasswordOf(leaving), stop), save: true, stop);
            if (!await IsRefusedAsync(Parse(leaving), stop)) throw new CommandFailure($"V8: Redis still takes the old password of {_user.Name}, or does not answer");
        }

        // This connection is made after that: none that is younger can have entered with the old one.
        await AdministerAsync(
            async passwords =>
            {
                var own = await passwords.OwnConnectionAsync(stop);
                if (_files.PreviousId == sid) _files.Retire();
                await EndFromBeforeAsync(passwords, own, stop);
            },
            save: false,
            stop);
    }

    public IReadOnlyList<SecretText> Secrets() => CredentialAddress.Passwords(_files);

    private async Task EndFromBeforeAsync(UserPasswords passwords, long own, CancellationToken stop)
    {
        var waiting = Stopwatch.StartNew();
        IReadOnlyList<long> old;
        while ((old = await passwords.ConnectionsBeforeAsync(_user.Name, own, stop)).Count > 0 && waiting.Elapsed < ReentryTime)
        {
            foreach (var connection in old) await passwords.WakeAsync(connection, stop);
            await Task.Delay(Look, stop);
        }

        foreach (var connection in old) await passwords.EndAsync(connection, stop);
    }

    // A Redis that does not answer has refused nothing.
    private static async Task<bool> IsRefusedAsync(RedisOptions options, CancellationToken stop) =>
        await RefusalAsync(options, stop) is { } refusal && refusal.Contains("refused our credentials", StringComparison.Ordinal);

    private async Task AdministerAsync(Func<UserPasswords, Task> act, bool save, CancellationToken stop)
    {
        if (new AdministratorAccess(context.Variables).Secret("REDIS_URL", "redisUrl")?.Reveal() is not { } url) throw new CommandFailure("REDIS_URL is required: the administrator's address of Redis");
        await using var redis = new RedisConnection(Parse(url) with { ClientName = "caracal-admin" });
        try
        {
            await act(new UserPasswords(redis));
            if (save && await new RedisAccessControl(redis).SaveAsync(stop) is { } reason) context.Terminal.Warning($"the passwords will not outlive a restart of Redis ({reason})");
        }
        catch (StreamsUnavailableException fault)
        {
            throw new CommandFailure($"Redis: {fault.Message}", exitCode: 2);
        }
    }

    private static async Task<string?> RefusalAsync(RedisOptions options, CancellationToken stop)
    {
        await using var redis = new RedisConnection(options with { ClientName = "caracal-rotation" });
        try
        {
            await redis.ExecuteAsync(["PING"], stop);
            return null;
        }
        catch (StreamsUnavailableException fault)
        {
            return fault.Message;
        }
    }

    private static RedisOptions Parse(string url) => RedisOptions.TryParse(url, out var options, out var fault) ? options : throw new CommandFailure($"REDIS_URL {fault}");

    // A service may enter anew as soon as the file has changed, long before the last of them has and the roll is recorded.
    private TimeSpan SinceNewAddress(JsonElement rotation)
    {
        var since = _files.CurrentSince;
        if (rotation.GetProperty("rolled_at").GetString() is { } text && DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture) is var rolled && rolled < since) since = rolled;
        return TimeProvider.System.GetUtcNow() - since;
    }

    private void KeepPassword() => SecretFolder.WriteOwnerOnly(
        Path.Combine(folder, SecretFiles.FileNameOf(_user.PasswordVariable)), Encoding.UTF8.GetBytes(CredentialAddress.PasswordOf(_files.Current!)));
}
