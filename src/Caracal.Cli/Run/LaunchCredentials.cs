using System.Text.Json;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Run;

/// <summary>Obtains a launch's credentials in manifest order; what is missing and not skippable ends the launch (cli.md 6.5).</summary>
internal static class LaunchCredentials
{
    public static async Task<IReadOnlyList<(LaunchBinding Binding, LaunchCredential Credential)>> ObtainAsync(
        LaunchClient client, LaunchManifest manifest, Terminal terminal, CancellationToken stop)
    {
        var obtained = new List<(LaunchBinding, LaunchCredential)>();
        foreach (var binding in manifest.Bindings)
        {
            try
            {
                obtained.Add((binding, await ObtainAsync(client, binding, terminal, stop)));
            }
            catch (LaunchFailure failure) when (binding.Skippable)
            {
                terminal.Line($"optional credential skipped resource={binding.Resource} reason={Scrubber.Scrub(failure.Message)}");
            }
            catch (LaunchFailure failure)
            {
                terminal.WriteError(Scrubber.Scrub(JsonSerializer.Serialize(
                    new { resource = binding.Resource, reason = failure.Reason, requestId = failure.RequestId })) + "\n");
                throw failure.ToCommandFailure();
            }
        }

        return obtained;
    }

    private static async Task<LaunchCredential> ObtainAsync(LaunchClient client, LaunchBinding binding, Terminal terminal, CancellationToken stop)
    {
        try
        {
            return await client.CredentialAsync(binding, approvalId: null, stop);
        }
        catch (ApprovalNeededException needed)
        {
            await LaunchApproval.WaitAsync(client, needed.Hold, binding, terminal, stop);
            try
            {
                return await client.CredentialAsync(binding, needed.Hold.Id, stop);
            }
            catch (ApprovalNeededException)
            {
                throw new LaunchFailure("approval_pending", "the STS asks for another approval");
            }
        }
    }
}
