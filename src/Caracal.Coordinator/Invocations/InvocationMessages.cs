using Caracal.Authority.Invocations;
using Caracal.Coordinator.Outbox;
using Caracal.Protocol;
using Caracal.Storage;

namespace Caracal.Coordinator.Invocations;

/// <summary>What the life of an invocation announces (coordinator.md 12).</summary>
internal sealed class InvocationMessages(Announcements announcements)
{
    public Task AnnounceAsync(Work work, Invocation invocation, string name, DateTimeOffset now) =>
        announcements.EnqueueAsync(work, Topics.InvocationsLifecycle, $"{name}:{invocation.Id}:{invocation.Attempts}", now, writer =>
        {
            writer.WriteString("event"u8, name);
            writer.WriteString("zone_id"u8, invocation.ZoneId);
            writer.WriteString("service_id"u8, invocation.ServiceId);
            writer.WriteString("invocation_id"u8, invocation.Id);
        });
}
