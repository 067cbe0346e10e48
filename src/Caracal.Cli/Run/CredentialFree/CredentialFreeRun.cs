using Caracal.Cli.CommandLine;
using Caracal.Cli.Configure;
using Caracal.Sdk;

namespace Caracal.Cli.Run.CredentialFree;

/// <summary><c>caracal run --credential-free</c>: the child is given addresses and no secret; its authority ends with the run.</summary>
internal static class CredentialFreeRun
{
    public static async Task<int> RunAsync(CommandContext context, IReadOnlyList<string> words, IReadOnlyList<string> allowed, IDisposable untilStarted)
    {
        if (!OperatingSystem.IsLinux()) throw new CommandFailure("--credential-free needs Linux: only there the proxy can tell who connects");
        var options = ConfigCommand.Read(context).Options;
        var resources = ProxyResource.Of(options, allowed);
        WorkspaceGuard.Check(context.Variables, Directory.GetCurrentDirectory());
        if (!ProcessGuard.Enter()) throw new CommandFailure("the system does not let this process be closed to others; nothing is started");

        // The command line may name further resources; what the profile binds stays bound.
        var client = CaracalClient.FromOptions(options with { Resources = [.. options.Resources, .. resources.Select(resource => resource.Binding)] });
        await using var proxy = await RunProxy.StartAsync(client, resources, context.Terminal, context.Stop);
        var child = ChildEnvironment.Inherit(context.Variables, context.Terminal);
        proxy.Describe(child);
        context.Stop.ThrowIfCancellationRequested();
        untilStarted.Dispose();
        return await ChildProcess.RunAsync(words, child);
    }
}
