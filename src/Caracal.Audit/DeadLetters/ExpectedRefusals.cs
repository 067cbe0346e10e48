using System.Text.Json;
using Caracal.Evidence.Events;
using Caracal.Streams;
using Caracal.Streams.State;

namespace Caracal.Audit.DeadLetters;

/// <summary>
/// Events that a self test has signed wrongly: they become dead letters like any other, but count as no failure, because whoever
/// watches that counter looks for forgers. Replicas share the list.
/// </summary>
internal sealed class ExpectedRefusals(ISharedState state)
{
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(1);

    public ValueTask AddAsync(string eventId, CancellationToken cancellationToken) => state.SetAsync(Key(eventId), "1", Life, cancellationToken);

    /// <summary>Whether this one was expected; it is so once.</summary>
    public async ValueTask<bool> TakeAsync(ReadOnlyMemory<byte> data, CancellationToken cancellationToken)
    {
        if (EventId(data) is not { } id) return false;
        try
        {
            return await state.TakeAsync(Key(id), cancellationToken) is not null;
        }
        catch (StreamsUnavailableException)
        {
            return false;
        }
    }

    private static string? EventId(ReadOnlyMemory<byte> data)
    {
        try
        {
            using var document = JsonDocument.Parse(data);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("event_type", out var type) && type.ValueEquals(AuditEventTypes.OpsCanary)
                && root.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.String
                ? id.GetString()
                : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Key(string eventId) => $"audit-deliveries:canary:{eventId}";
}
