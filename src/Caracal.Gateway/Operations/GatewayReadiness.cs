using Caracal.Evidence.Trail;
using Caracal.Gateway.Revocations;
using Caracal.Hosting.Http;
using Caracal.Protocol.Exchange;
using Caracal.Storage;
using Caracal.Storage.Migrations;
using Caracal.Streams;
using Caracal.Streams.State;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Operations;

/// <summary><c>/ready</c>: the first failing dependency in the order of gateway.md A1, within two seconds, kept for one.</summary>
internal sealed class GatewayReadiness(
    Database database, ISharedState state, RevocationState revocations, AuditTrail trail, IGatewayExchange exchange, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan KeepFor = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private string? _reason;
    private long _checkedAt;
    private bool _checked;

    public async Task AnswerAsync(HttpContext http)
    {
        var reason = await ReasonAsync(http.RequestAborted);
        http.Response.StatusCode = reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await ErrorBody.WriteJsonAsync(http.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, reason is null);
            writer.WriteBoolean("ready"u8, reason is null);
            if (reason is not null)
            {
                writer.WriteString("reason"u8, reason);
            }

            writer.WriteEndObject();
        });
    }

    public void Dispose() => _turn.Dispose();

    // Probes cannot overload what they probe: one check at a time, and its result serves for a second.
    private async Task<string?> ReasonAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (!_checked || time.GetElapsedTime(_checkedAt) >= KeepFor)
            {
                _reason = await CheckAsync();
                _checkedAt = time.GetTimestamp();
                _checked = true;
            }

            return _reason;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task<string?> CheckAsync()
    {
        using var budget = new CancellationTokenSource(Budget);
        var reachable = exchange.IsReachableAsync(budget.Token); // asked together with the first, told last
        if (await IsOutdatedAsync(budget.Token))
        {
            return Database.SchemaOutdated;
        }

        if (!await AnswersAsync(budget.Token))
        {
            return "redis_unreachable";
        }

        if (!revocations.IsFresh)
        {
            return "revocation_snapshot_stale";
        }

        return trail.NotReady ?? (await IsReachableAsync(reachable) ? null : "sts_unreachable");
    }

    // A store that cannot be reached is no outdated one: the snapshot's age says whether we can go on without it.
    private async Task<bool> IsOutdatedAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await database.ReadSchemaStateAsync(cancellationToken) != SchemaState.Current;
        }
        catch (Exception fault) when (fault is StorageUnavailableException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        try
        {
            await state.PingAsync(cancellationToken);
            return true;
        }
        catch (Exception fault) when (fault is StreamsUnavailableException or OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<bool> IsReachableAsync(Task<bool> reachable)
    {
        try
        {
            return await reachable;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
