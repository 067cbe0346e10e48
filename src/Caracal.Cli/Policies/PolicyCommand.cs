using Caracal.Cli.CommandLine;

namespace Caracal.Cli.Policies;

/// <summary><c>caracal policy</c>: policies on the command line, with the engine the STS runs.</summary>
internal static class PolicyCommand
{
    public static Command Descriptor { get; } = new(
        "policy", CommandGroup.Operations, "check, evaluate, test and format policies",
        """
        usage: caracal policy check PATH… [--upload] [--syntax auto|v1|v0] [--all-builtins] [--json]
               caracal policy eval QUERY PATH… [--input FILE] [--data FILE]… [--contract] [--explain] [--fail] [--json]
               caracal policy test PATH… [--data FILE]… [--run TEXT] [--coverage] [--threshold PERCENT] [--json]
               caracal policy fmt PATH… [--check | --write] [--syntax auto|v1|v0] [--json]

        A PATH is a .rego file, a folder searched for them, or - for standard input. Policies are held to the
        capability profile of the product: no network, clock or randomness. Exit 0 when all is well, 1 otherwise.

        check            parse and compile the modules together; every error with its place
          --upload       each file must also be one that the API takes as a policy
        eval             QUERY over the modules, such as data.caracal.authz.result
          --input FILE   the input document, JSON; - for standard input; without it input is undefined
          --data FILE    base documents, a JSON object; may be given several times, later ones win
          --contract     add the platform's decision contract, as the STS does for data documents
          --explain      which rules held, and where the others failed
          --strict       a failing builtin ends the evaluation instead of making its expression undefined
          --fail         exit 1 when the result is undefined, false or empty
          --show-secrets do not replace what looks like a credential in the result by ***
        test             evaluate every rule named test_*: it passes when it is true
          --run TEXT     only tests whose name contains TEXT
          --coverage     which lines of the policies the tests reached
          --threshold P  exit 1 when less than P percent of the lines are reached
        fmt              print the formatted text of one file
          --check        print the names of files that are not formatted, exit 1 if there are any
          --write        format the files in place

        --syntax         auto reads the older syntax first, then the current one (default)
        --all-builtins   also builtins that the product refuses
        --timeout MS     longest evaluation, 1 to 600000 (default 5000)
        --json           one JSON document on stdout
        """,
        RunAsync);

    private static readonly string[] s_switches =
        ["json", "upload", "all-builtins", "contract", "explain", "strict", "fail", "show-secrets", "coverage", "check", "write", "help"];

    private static Task<int> RunAsync(CommandContext context)
    {
        var asked = context with { Arguments = Arguments.Parse(context.Arguments.Words, s_switches) };
        if (asked.Json) asked.Terminal.Quiet = true;
        if (asked.Arguments.IsOn("help") || asked.Arguments.Operands.Contains("-h"))
        {
            asked.Terminal.Write(Usage.Of(Descriptor));
            return Task.FromResult(0);
        }

        return Task.FromResult(asked.Arguments.Operands switch
        {
            ["check", ..] => PolicyCheck.Run(asked),
            ["eval", ..] => PolicyEval.Run(asked),
            ["test", ..] => PolicyTest.Run(asked),
            ["fmt", ..] => PolicyFmt.Run(asked),
            [] => throw new CommandFailure("say what to do: caracal policy check|eval|test|fmt; `caracal policy help` explains"),
            [var word, ..] => throw new CommandFailure($"caracal policy has no '{word}': check, eval, test or fmt"),
        });
    }
}
