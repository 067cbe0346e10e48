using System.Text.Json.Nodes;
using Caracal.ControlPlane.Control.DesiredState;

namespace Caracal.ControlPlane.Control;

/// <summary>Every command there is, and how it describes itself (control.md 5).</summary>
internal sealed class ControlCatalog
{
    private readonly Dictionary<(string Noun, string Subcommand), ControlCommand> _commands;

    public ControlCatalog()
    {
        All =
        [
            .. ControlCommands.All(),
            Declarative("state", "apply", "Makes the zone as a document says", ["document", "prune", "dry-run"], call => ApplyState.RunAsync(call, alwaysDry: false)),
            Declarative("state", "plan", "What applying a document would do", ["document", "prune"], call => ApplyState.RunAsync(call, alwaysDry: true)),
            Declarative("state", "verify", "Whether the zone is as a document says", ["document", "prune"], call => ApplyState.RunAsync(call, alwaysDry: true)),
            .. ObjectKinds.All.Select(kind => Declarative(
                "ensure", kind.Name, $"Makes one {kind.Name} as a spec says", ["spec", "dry-run"], call => ApplyState.EnsureAsync(call, kind))),
            Declarative("catalog", "describe", "This catalogue", [], _ => Task.FromResult(ControlOutcome.Done(Describe()))),
        ];
        _commands = All.ToDictionary(command => (command.Noun, command.Subcommand));
    }

    public IReadOnlyList<ControlCommand> All { get; }

    public ControlCommand? Find(string noun, string subcommand) => _commands.GetValueOrDefault((noun, subcommand));

    public string UnknownReason(ControlInvocation invocation) =>
        All.Any(command => command.Noun == invocation.Command) ? "unknown subcommand" : "unknown command";

    private JsonObject Describe() => new()
    {
        ["commands"] = new JsonArray([.. All.GroupBy(command => command.Noun).Select(Describe)]),
        ["declarative"] = new JsonObject
        {
            ["kinds"] = new JsonArray([.. ObjectKinds.All.Select(kind => new JsonObject { ["kind"] = kind.Name, ["identityField"] = kind.IdentityField, ["command"] = kind.Noun })]),
            ["documentSchema"] = """{"objects":[{"kind":string,"spec":object}],"prune"?:boolean}""",
        },
    };

    private static JsonObject Describe(IGrouping<string, ControlCommand> noun) => new()
    {
        ["command"] = noun.Key,
        ["summary"] = string.Join("; ", noun.Select(command => command.Summary).Take(2)),
        ["delegatesScope"] = noun.Any(command => !command.HasOwnScope),
        ["subcommands"] = new JsonArray([.. noun.Select(command => new JsonObject
        {
            ["subcommand"] = command.Subcommand,
            ["scope"] = command.Scope,
            ["summary"] = command.Summary,
            ["flags"] = new JsonArray([.. command.Flags.Select(flag => new JsonObject { ["name"] = "--" + flag, ["summary"] = flag.Replace('-', ' ') })]),
        })]),
    };

    private static ControlCommand Declarative(string noun, string subcommand, string summary, string[] flags, Func<ControlCall, Task<ControlOutcome>> run) =>
        new(noun, subcommand, summary, flags, run) { HasOwnScope = false };
}
