using Caracal.Cli;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Processes;

// A background start re-enters here; it must leave the terminal before anything touches the console.
Detachment.EnterIfAsked();
var variables = ProcessVariables.Read();
var terminal = Terminal.ForProcess(variables);
return await Dispatcher.RunAsync(args, variables, terminal);
