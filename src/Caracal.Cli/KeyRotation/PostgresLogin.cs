using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;
using Caracal.Storage.Postgres;
using Caracal.Storage.Privileges;

namespace Caracal.Cli.KeyRotation;

/// <summary>A service's way into PostgreSQL: the login at rest gets a password, the service moves to it, the other is closed (operations.md 4.6.7).</summary>
internal sealed class PostgresLogin(CommandContext context, string folder, RotatableClass rotated) : IRotatedMaterial
{
    private readonly CredentialFiles _files = new(folder, rotated);
    private readonly ServiceRole _role = ServiceRole.Of(rotated.Readers[0]);

    public string NextPath => _files.NextPath;

    public string? Current => _files.CurrentId;

    public async Task<string> StageAsync(CancellationToken stop)
    {
        if (_files.Current is not { } current) throw new CommandFailure($"there is no {rotated.FileName} in {folder}; a DATABASE_URL given by a variable cannot be rotated");
        var address = PostgresAddress.Parse(current);
        var password = _files.Next is { } staged ? CredentialAddress.PasswordOf(staged) : ServiceLogins.NewPassword();
        var login = ServiceLogins.Other(_role, address);
        await Logins().OpenAsync(login, password, stop);
        var next = address.UrlFor(login, password);
        if (!await ServiceLogins.AdmitsAsync(PostgresAddress.Parse(next), stop)) throw new CommandFailure($"PostgreSQL does not let {login} in with its new password");
        return _files.NextId ?? _files.Stage(next, TimeProvider.System.GetUtcNow());
    }

    public async Task DiscardAsync(string sid, CancellationToken stop)
    {
        if (!_files.IsOnlyStaged(sid)) return;
        await Logins().CloseAsync(PostgresAddress.Parse(_files.Next!).User, stop);
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
        if (_files.PreviousId != sid) return null;
        var login = PostgresAddress.Parse(_files.Previous!).User;
        return await Logins().SessionsAsync(login, stop) is var open and > 0 ? $"{login} still has {open} sessions" : null;
    }

    public async Task<string?> ProveBothAsync(CancellationToken stop)
    {
        foreach (var url in new[] { _files.Current, _files.Previous }.OfType<string>())
        {
            var address = PostgresAddress.Parse(url);
            if (!await ServiceLogins.AdmitsAsync(address, stop)) return $"PostgreSQL does not let {address.User} in";
        }

        return null;
    }

    public async Task RetireAsync(string sid, JsonElement rotation, CancellationToken stop)
    {
        if (_files.PreviousId != sid) return;
        var address = PostgresAddress.Parse(_files.Previous!);
        await Logins().CloseAsync(address.User, stop);
        if (await ServiceLogins.AdmitsAsync(address, stop)) throw new CommandFailure($"V8: PostgreSQL still lets {address.User} in");
        _files.Retire();
    }

    public IReadOnlyList<SecretText> Secrets() => CredentialAddress.Passwords(_files);

    private ServiceLogins Logins() => new(new AdministratorAccess(context.Variables).Address());

    // What `caracal migrate` would give the login in use.
    private void KeepPassword() => SecretFolder.WriteOwnerOnly(
        Path.Combine(folder, SecretFiles.FileNameOf(_role.PasswordVariable)), Encoding.UTF8.GetBytes(CredentialAddress.PasswordOf(_files.Current!)));
}
