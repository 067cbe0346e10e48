using Caracal.Protocol;

namespace Caracal.Storage.Outbox;

/// <summary>Rules both outboxes share (streams.md 8).</summary>
internal static class OutboxPolicy
{
    /// <summary>Revocations are retried for ever: parking one would leave ended authority alive somewhere.</summary>
    public static bool NeverDies(string topic) => topic is Topics.SessionsRevoke or Topics.DelegationsInvalidate;
}
