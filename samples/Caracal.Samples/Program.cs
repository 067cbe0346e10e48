using Caracal.Samples;

// samples/run NAME: each sample sets its own zone up, does its work, and prints what came of it.
Func<SampleStack, Task>? sample = args.FirstOrDefault() switch
{
    "protected-api" => ProtectedApi.RunAsync,
    "multi-agent" => MultiAgent.RunAsync,
    "mcp" => McpTools.RunAsync,
    "approval" => HumanApproval.RunAsync,
    "worker" => BackgroundWorker.RunAsync,
    "script" => ScriptProfile.RunAsync,
    _ => null,
};
if (sample is null)
{
    Console.Error.WriteLine("samples: protected-api, multi-agent, mcp, approval, worker, script");
    return 1;
}

using var stack = SampleStack.Find();
await sample(stack);
return 0;
