using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Protocol;
using Caracal.Streams;
using Caracal.Streams.State;
using Caracal.Sts.Health;

namespace Caracal.Sts.Providers;

/// <summary>What a refresh came to, told to the replicas that waited for it.</summary>
internal sealed record RefreshResult(bool Ok, string? Code = null, string? Description = null);

/// <summary>Lets one of all replicas refresh a connection while the others wait for what it says (sts.md 9.3).</summary>
internal sealed class RefreshLease(ISharedState state, ISharedLeases leases, TimeProvider time, StsMetrics metrics)
{
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ResultLife = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <param name="connectionId">What is refreshed.</param>
    /// <param name="isDone">Asked after another replica has said that it went well.</param>
    /// <param name="refresh">Runs under the lease.</param>
    /// <param name="cancellationToken">Ends work and wait.</param>
    public async Task<RefreshResult> RunAsync(
        string connectionId, Func<CancellationToken, Task<bool>> isDone, Func<CancellationToken, Task<RefreshResult>> refresh,
        CancellationToken cancellationToken)
    {
        var name = $"provider-refresh:{KeyOf(connectionId)}";
        var owner = Ids.NewRandom();
        var waited = false;
        while (true)
        {
            if (await leases.TryLeaseAsync(name + ":lock", owner, Life, cancellationToken))
            {
                metrics.RefreshLeased();
                return await RunOwnedAsync(name, owner, refresh, cancellationToken);
            }

            if (!waited)
            {
                waited = true;
                metrics.RefreshWaited();
            }

            if (await ReadAsync(name, cancellationToken) is { } result && (!result.Ok || await isDone(cancellationToken)))
            {
                return result;
            }

            await Task.Delay(Poll, time, cancellationToken);
        }
    }

    /// <summary>The name under which a connection is known in shared state.</summary>
    public static string KeyOf(string connectionId) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"connection\0{connectionId}")));

    private async Task<RefreshResult> RunOwnedAsync(
        string name, string owner, Func<CancellationToken, Task<RefreshResult>> refresh, CancellationToken cancellationToken)
    {
        using var held = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var done = new CancellationTokenSource();
        var keeping = KeepAsync(name, owner, held, done.Token);
        try
        {
            var result = await refresh(held.Token);
            await state.SetAsync(name + ":result", Write(result), ResultLife, cancellationToken);
            return result;
        }
        finally
        {
            await done.CancelAsync();
            await keeping;
            await leases.ReleaseLeaseAsync(name + ":lock", owner, CancellationToken.None);
        }
    }

    // Whoever loses the lease must stop: the next owner already works with the same refresh token.
    private async Task KeepAsync(string name, string owner, CancellationTokenSource held, CancellationToken done)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Renewal, time, done);
                if (!await leases.RenewLeaseAsync(name + ":lock", owner, Life, done))
                {
                    await held.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Done.
        }
        catch (StreamsUnavailableException)
        {
            await held.CancelAsync();
        }
    }

    private async Task<RefreshResult?> ReadAsync(string name, CancellationToken cancellationToken)
    {
        if (await state.GetAsync(name + ":result", cancellationToken) is not { } json)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return new RefreshResult(
                root.GetProperty("ok"u8).GetBoolean(),
                root.TryGetProperty("code"u8, out var code) ? code.GetString() : null,
                root.TryGetProperty("description"u8, out var description) ? description.GetString() : null);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    private static string Write(RefreshResult result)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, result.Ok);
            if (result.Code is not null)
            {
                writer.WriteString("code"u8, result.Code);
                writer.WriteString("description"u8, result.Description);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
