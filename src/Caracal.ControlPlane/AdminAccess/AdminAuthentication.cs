using System.Collections.Concurrent;
using System.Net;
using Caracal.Authority.AdminAccess;
using Caracal.Keys.Secrets;
using Caracal.Storage;
using Caracal.Storage.AdminTokens;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.AdminAccess;

/// <summary>
/// Turns a bearer token into a caller (api.md 2.1). Successes are kept for five seconds, failures never; a revocation in
/// this process is felt at once.
/// </summary>
internal sealed class AdminAuthentication(Database database, DatabaseClock clock, ISharedState shared, ControlPlaneSettings settings, DeploymentTokens deployment)
{
    private const string Scheme = "Bearer ";
    private const int LongestToken = 4096;
    private const int MostCached = 512;
    private readonly ClientAddress _addresses = new(settings);
    private static readonly TimeSpan CacheTime = TimeSpan.FromSeconds(5);

    // Replaced whole by a revocation: what an earlier lookup still finds out lands in a memory nobody asks any more.
    private volatile Memory _memory = new();

    /// <summary>Null when there is no valid token.</summary>
    public Task<AdminCaller?> AuthenticateAsync(HttpContext context) =>
        BearerOf(context) is { } token ? FindCallerAsync(token, context.RequestAborted, _addresses.Of(context)) : Task.FromResult<AdminCaller?>(null);

    /// <summary>Null when the token is not valid.</summary>
    public async Task<AdminCaller?> FindCallerAsync(string token, CancellationToken cancellationToken, IPAddress? from = null)
    {
        var hash = SecretHash.Of(token);
        var memory = _memory;
        if (memory.Known.TryGetValue(hash, out var known) && known.Until > clock.Process.GetUtcNow())
        {
            if (known.IsPrevious) deployment.NoteUser(from);
            return known.Caller;
        }

        // One lookup per token at a time; it goes on when its first caller hangs up.
        var lookup = memory.Lookups.GetOrAdd(hash, FindAsync);
        try
        {
            var found = await lookup.WaitAsync(cancellationToken);
            if (found is null && deployment.Holds(token))
            {
                // The ring has just been reloaded, and its rows follow: whoever was told of the value may use it now.
                await deployment.FollowAsync(cancellationToken);
                found = await FindAsync(hash);
            }

            if (found is not { } row || !SecretHash.Verify(row.TokenHash, token)) return null;
            var previous = DeploymentTokens.Seeded(row.CreatedBy) && deployment.Note(hash);
            if (previous) deployment.NoteUser(from);
            var caller = CallerOf(row);
            if (memory.Known.Count >= MostCached) memory.Known.Clear();
            memory.Known[hash] = new Known(caller, clock.Process.GetUtcNow() + CacheTime, previous);
            return caller;
        }
        finally
        {
            memory.Lookups.TryRemove(hash, out _);
        }
    }

    /// <summary>The token of an <c>Authorization</c> header, trimmed; null when absent, empty or too long.</summary>
    public static string? BearerOf(HttpContext context)
    {
        var header = context.Request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { } text || !text.StartsWith(Scheme, StringComparison.Ordinal)) return null;
        var token = text[Scheme.Length..].Trim();
        return token.Length is > 0 and <= LongestToken ? token : null;
    }

    /// <summary>Forgets every success, after a revocation.</summary>
    public void Forget() => _memory = new Memory();

    /// <summary>Notes the use of a token, at most once per debounce time over all replicas. Never fails the call.</summary>
    public async Task TouchAsync(AdminCaller caller)
    {
        try
        {
            if (settings.LastUsedDebounce > TimeSpan.Zero
                && !await shared.TryAddAsync($"api:admin_token_touched:{caller.TokenId}", "1", settings.LastUsedDebounce, CancellationToken.None))
            {
                return;
            }

            await database.WriteAsync(WriteKind.Bookkeeping, work => AdminTokenStore.TouchAsync(work, caller.TokenId, clock.Now));
        }
        catch (Exception fault) when (fault is StreamsUnavailableException or StorageUnavailableException)
        {
            // The time of last use is a convenience.
        }
    }

    private Task<AdminTokenRow?> FindAsync(string hash) =>
        database.ReadAsync(connection => AdminTokenStore.FindByHashAsync(connection, hash));

    private static AdminCaller CallerOf(AdminTokenRow row) => new()
    {
        TokenId = row.Id,
        Name = row.Name,
        ZoneId = row.ZoneId,
        CreatedBy = row.CreatedBy,
        Capability = row.Capability switch
        {
            "write" => AdminCapability.Write,
            "approve" => AdminCapability.Approve,
            _ => AdminCapability.Read,
        },
    };

    private sealed class Memory
    {
        public ConcurrentDictionary<string, Known> Known { get; } = new(StringComparer.Ordinal);

        public ConcurrentDictionary<string, Task<AdminTokenRow?>> Lookups { get; } = new(StringComparer.Ordinal);
    }

    private sealed record Known(AdminCaller Caller, DateTimeOffset Until, bool IsPrevious);
}
