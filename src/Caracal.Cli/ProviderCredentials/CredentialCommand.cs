using Caracal.Cli.CommandLine;
using Caracal.Cli.KeyRotation;

namespace Caracal.Cli.ProviderCredentials;

/// <summary><c>caracal credential</c>: the second credential of an upstream provider, from staging to retirement.</summary>
internal static class CredentialCommand
{
    private const string Short = "usage: caracal credential rotate|stage|canary|shift|observe|retire|fall-back|abort|status ZONE PROVIDER …";

    public static Command Descriptor { get; } = new(
        "credential", CommandGroup.Operations, "change the credential of an upstream provider",
        """
        usage: caracal credential rotate ZONE PROVIDER [--from FILE] [--field NAME] [--resource ID] [--path PATH] [--method GET|HEAD]
                                  [--observe S] [--refusals N] [--refused-percent P] [--manual] [--force] [--json]
               caracal credential stage ZONE PROVIDER [--from FILE] [--field NAME] [--json]
               caracal credential canary ZONE PROVIDER [--resource ID] [--path PATH] [--method GET|HEAD] [--json]
               caracal credential shift ZONE PROVIDER [--observe S] [--refusals N] [--refused-percent P] [--manual] [--force] [--json]
               caracal credential observe ZONE PROVIDER [--json]
               caracal credential retire ZONE PROVIDER [--force] [--json]
               caracal credential fall-back|abort ZONE PROVIDER [--reason TEXT] [--json]
               caracal credential status ZONE PROVIDER [--json]

        stage seals a second credential beside the one in use, canary proves it at the upstream, shift puts it in use, observe
        watches what upstreams say to it, retire deletes the old one. rotate does all of it. One that upstreams refuse is taken
        back by itself: observe and rotate then exit 1 and say why. abort drops one that waits, and falls back from one in use.
        PROVIDER is its id or its identifier.
        --from FILE   the credential; without it, or with -, standard input. A text is the secret of the provider's kind; a JSON
                      object holds several fields, as {"client_id":"…","client_secret":"…"}
        --field NAME  which field a text is (private_key, for example)
        --observe S   how long it is watched; --refusals N that are --refused-percent P of all answers take it back
        --manual      nothing takes it back but you
        --force       shift without a proof, retire within the observation
        No value is ever printed, and none can be given on the command line.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown(
            "json", "from", "field", "resource", "path", "method", "observe", "refusals", "refused-percent", "manual", "force", "reason");
        context.Terminal.Quiet = context.Json;
        if (context.Arguments.Operands is not [var step, var zone, var provider]) throw new CommandFailure(Short);
        using var api = new KeysApi(context);
        var run = await CredentialRun.FindAsync(context, api, zone, provider);
        await (step switch
        {
            "rotate" => run.RotateAsync(),
            "stage" => run.StageAsync(),
            "canary" => run.CanaryAsync(),
            "shift" => run.ShiftAsync(),
            "observe" => run.ObserveAsync(),
            "retire" => run.RetireAsync(),
            "fall-back" => run.FallBackAsync(),
            "abort" => run.AbortAsync(),
            "status" => run.ShowAsync(),
            _ => throw new CommandFailure(Short),
        });
        return 0;
    }
}
