using System.Text.Json;
using Caracal.Evidence.Trail;

namespace Caracal.Gateway.Tests.Support;

/// <summary>Keeps what was shipped, as the audit service would.</summary>
internal sealed class RecordingSink : IAuditSink
{
    private readonly List<JsonElement> _events = [];

    public bool Fails { get; set; }

    public Task ShipAsync(IReadOnlyList<ReadOnlyMemory<byte>> events, CancellationToken ct)
    {
        if (Fails)
        {
            throw new IOException("the stream is down");
        }

        lock (_events)
        {
            foreach (var bytes in events)
            {
                using var document = JsonDocument.Parse(bytes);
                _events.Add(document.RootElement.Clone());
            }
        }

        return Task.CompletedTask;
    }

    public IReadOnlyList<JsonElement> Events
    {
        get
        {
            lock (_events)
            {
                return [.. _events];
            }
        }
    }
}
