using System.Collections.Concurrent;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Sdk;

namespace Caracal.Cli.Run.CredentialFree;

/// <summary>A call of the child that needs a person's approval waits for it, visibly on the launcher's stderr, and then goes on.</summary>
internal sealed class ProxyApprovals(CaracalClient client, Terminal terminal)
{
    private readonly ConcurrentDictionary<string, bool> announced = new(StringComparer.Ordinal);

    public async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker sender, HttpRequestMessage request, ProxyResource resource, CancellationToken stop)
    {
        try
        {
            return await sender.SendAsync(request, stop);
        }
        catch (ApprovalRequiredException required)
        {
            // Thrown by the mint, so nothing of the request has been sent.
            Announce(required, resource);
            var left = required.ExpiresAt is { } end ? end - DateTimeOffset.UtcNow : TimeSpan.FromSeconds(300);
            var state = await client.WaitForApprovalAsync(required.ApprovalId, left < TimeSpan.FromSeconds(5) ? TimeSpan.FromSeconds(5) : left, stop);
            if (state != "approved") throw new CaracalException($"approval_{state}", $"the approval was not given ({state})", 403, required.RequestId);
            request.Options.Set(CaracalRequest.ApprovalId, required.ApprovalId);
            return await sender.SendAsync(request, stop);
        }
    }

    private void Announce(ApprovalRequiredException required, ProxyResource resource)
    {
        if (!announced.TryAdd(required.ApprovalId, true)) return;
        terminal.WriteError(Scrubber.Scrub(JsonSerializer.Serialize(new
        {
            resource = resource.Binding.ResourceId,
            approval_id = required.ApprovalId,
            binding = required.Binding,
            expires_at = required.ExpiresAt,
            reason = "approval_required",
        })) + "\n");
    }
}
