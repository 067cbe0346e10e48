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
    private readonly CredentialFiles _files = new(folder, rotated);
    private readonly RedisUser _user = RedisUser.All.First(user => user.Service == rotated.Readers[0]);

    public string NextPath => _files.NextPath;

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
        if (_files.NextId != sid) return;
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
        var old = 0;
        await AdministerAsync(async passwords => old = (await passwords.ConnectionsBeforeAsync(_user.Name, SinceRoll(rotation), stop)).Count, save: false, stop);
        return old > 0 ? $"{_user.Name} still has {old} connections from before the roll" : null;
    }

    public async Task<string?> ProveBothAsync(CancellationToken stop)
    {
        foreach (var url in new[] { _files.Current, _files.Previous }.OfType<string>())
        {
            if (await RefusalAsync(Parse(url), stop) is { } refusal) return $"Redis: {refusal}";
        }

        return null;
    }

    public async Task RetireAsync(string sid, JsonElement rotation, CancellationToken stop)
    {
        if (_files.PreviousId != sid) return;
        var options = Parse(_files.Previous!);
        await AdministerAsync(
            async passwords =>
            {
                await passwords.RemoveAsync(_user.Name, CredentialAddress.PasswordOf(_files.Previous!), stop);
                foreach (var connection in await passwords.ConnectionsBeforeAsync(_user.Name, SinceRoll(rotation), stop)) await passwords.EndAsync(connection, stop);
            },
            save: true, stop);
        if (await RefusalAsync(options, stop) is null) throw new CommandFailure($"V8: Redis still takes the old password of {_user.Name}");
        _files.Retire();
    }

    public IReadOnlyList<SecretText> Secrets() => CredentialAddress.Passwords(_files);

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

    private static TimeSpan SinceRoll(JsonElement rotation) =>
        rotation.GetProperty("rolled_at").GetString() is { } rolled ? TimeProvider.System.GetUtcNow() - DateTimeOffset.Parse(rolled, System.Globalization.CultureInfo.InvariantCulture) : TimeSpan.Zero;

    private void KeepPassword() => SecretFolder.WriteOwnerOnly(
        Path.Combine(folder, SecretFiles.FileNameOf(_user.PasswordVariable)), Encoding.UTF8.GetBytes(CredentialAddress.PasswordOf(_files.Current!)));
}
