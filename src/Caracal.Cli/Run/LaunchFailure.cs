using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Run;

/// <summary>Why the STS gave a launch nothing.</summary>
/// <param name="reason">One word for machines: <c>denied</c>, <c>approval_rejected</c>, …</param>
/// <param name="message">For people.</param>
/// <param name="requestId">What the ledger knows the call by; empty when nothing was answered.</param>
internal sealed class LaunchFailure(string reason, string message, string requestId = "") : Exception(message)
{
    public string Reason { get; } = reason;

    public string RequestId { get; } = requestId;

    public CommandFailure ToCommandFailure() => new(RequestId.Length == 0 ? Message : $"{Message} (request {RequestId})");
}
