using System.Data.Common;
using Caracal.ControlPlane.AdminAccess;
using Caracal.ControlPlane.AdminTokens;
using Caracal.Hosting.Settings;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Storage;
using Caracal.Storage.AdminTokens;
using Caracal.Storage.Rotations;
using Caracal.Streams.State;
using Caracal.TestKit;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Tests;

public sealed class AdminAuthenticationTests
{
    [Fact]
    [Trait("requirement", "R101")]
    public async Task A_lookup_that_began_before_a_revocation_lets_nobody_in_after_it()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        using var state = new InProcessState(TimeProvider.System);
        var held = new HeldReads(store.Database);
        var clock = new DatabaseClock(held, TimeProvider.System);
        await clock.MeasureAsync(CancellationToken.None);
        var minted = MintedAdminToken.New("ci", "write", null, "admin:1", clock.Now);
        await store.Database.WriteAsync(work => AdminTokenStore.InsertAsync(work, minted.Row));
        var authentication = new AdminAuthentication(held, clock, state, Settings(), new DeploymentTokens(held, ring: null, clock));

        // The row has been read and is still valid there; its answer is on the way.
        var release = held.HoldNext();
        var before = authentication.AuthenticateAsync(Request(minted.Token));
        await held.Read;
        await store.Database.WriteAsync(work => AdminTokenStore.RevokeAsync(work, minted.Row.Id, clock.Now));
        authentication.Forget();

        Assert.Null(await authentication.AuthenticateAsync(Request(minted.Token)));
        release.SetResult();
        await before;
        Assert.Null(await authentication.AuthenticateAsync(Request(minted.Token)));
    }

    [Fact]
    public async Task A_value_that_was_just_loaded_lets_in_at_once_and_an_instance_with_older_files_revokes_nothing_meanwhile()
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        using var state = new InProcessState(TimeProvider.System);
        var clock = new DatabaseClock(store.Database, TimeProvider.System);
        await clock.MeasureAsync(CancellationToken.None);
        var (old, fresh) = ("0123456789abcdef0123456789abcdef-old", "0123456789abcdef0123456789abcdef-new");
        var ring = TokenRing.Of("admin-token", old);
        var deployment = new DeploymentTokens(store.Database, ring, clock);
        await deployment.FollowAsync(CancellationToken.None);
        var authentication = new AdminAuthentication(store.Database, clock, state, Settings(), deployment);
        Assert.Null(await authentication.AuthenticateAsync(Request(fresh)));

        ring.Replace(new TokenSet("admin-token", new SecretText(fresh), null, [new SecretText(old)]));
        Assert.NotNull(await authentication.AuthenticateAsync(Request(fresh)));
        Assert.NotNull(await authentication.AuthenticateAsync(Request(old)));

        await store.Database.WriteAsync(work => RotationStore.InsertAsync(work, new RotationRow
        {
            Id = "rot_1",
            Class = "admin-token",
            State = "rolled",
            ToSid = "sid_1",
            Location = "l",
            VersionLabel = "v",
            ReasonKind = "scheduled",
            Reason = "a test of restarts",
            Actor = "ops",
            CreatedAt = clock.Now,
            UpdatedAt = clock.Now,
        }));
        await new DeploymentTokens(store.Database, TokenRing.Of("admin-token", old), clock).FollowAsync(CancellationToken.None);
        authentication.Forget();
        Assert.NotNull(await authentication.AuthenticateAsync(Request(fresh)));

        ring.Replace(new TokenSet("admin-token", new SecretText(fresh), null, []));
        await deployment.FollowAsync(CancellationToken.None);
        authentication.Forget();
        Assert.Null(await authentication.AuthenticateAsync(Request(old)));
        Assert.NotNull(await authentication.AuthenticateAsync(Request(fresh)));
    }

    private static DefaultHttpContext Request(string token)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Authorization = "Bearer " + token;
        return context;
    }

    private static ControlPlaneSettings Settings()
    {
        var reader = new SettingsReader(
            new Dictionary<string, string?>
            {
                ["CARACAL_MODE"] = "dev",
                ["PORT"] = "0",
                ["ZONE_KEK"] = "8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01",
                ["CARACAL_ADMIN_TOKEN"] = ApiHost.AdminToken,
            },
            ControlPlaneSettings.Role);
        var settings = ControlPlaneSettings.Read(reader);
        reader.ThrowIfFaulty();
        return settings!;
    }

    // A store whose next answer can be kept back after it was read.
    private sealed class HeldReads(Database inner) : Database(inner.Dialect)
    {
        private readonly TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource? _hold;

        public Task Read => _read.Task;

        public TaskCompletionSource HoldNext() => _hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public override async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default)
        {
            var answer = await inner.ReadAsync(query, cancellationToken);
            if (Interlocked.Exchange(ref _hold, null) is { } hold)
            {
                _read.SetResult();
                await hold.Task;
            }

            return answer;
        }

        public override Task<T> ReadSnapshotAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken = default) =>
            inner.ReadSnapshotAsync(query, cancellationToken);

        public override Task<T> WriteAsync<T>(WriteKind kind, Func<Work, Task<T>> body, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(kind, body, cancellationToken);

        public override Task<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => inner.ReadClockAsync(cancellationToken);

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
