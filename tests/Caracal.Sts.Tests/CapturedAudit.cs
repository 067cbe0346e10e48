using System.Collections.Concurrent;
using System.Text.Json;
using Caracal.Evidence.Trail;

namespace Caracal.Sts.Tests;

/// <summary>Where a test's audit events end up.</summary>
internal sealed class CapturedAudit : IAuditSink
{
    private readonly ConcurrentQueue<JsonElement> _events = new();

    /// <summary>True while nothing can be delivered.</summary>
    public bool Away { get; set; }

    public Task ShipAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken ct)
    {
        if (Away)
        {
            throw new IOException("away");
        }

        foreach (var bytes in events)
        {
            using var document = JsonDocument.Parse(bytes);
            _events.Enqueue(document.RootElement.Clone());
        }

        return Task.CompletedTask;
    }

    public IReadOnlyList<JsonElement> All => [.. _events];
}
