using Caracal.Stack;

namespace Caracal.Cli.Hardening;

/// <summary>A request that must be refused, and how.</summary>
/// <param name="Service">Who is asked.</param>
/// <param name="What">What is wrong with the request.</param>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">As it goes on the wire.</param>
/// <param name="Body">Null for none.</param>
internal sealed record Probe(string Service, string What, HttpMethod Method, string Path, string? Body = null)
{
    public string? Bearer { get; init; }

    public (string Name, string Value)[] Headers { get; init; } = [];

    /// <summary>Statuses that refuse for this reason; something else that refuses everything proves nothing.</summary>
    public int[] Refusals { get; init; } = [400, 401, 403];

    /// <summary>What the refusal says; empty where its status says enough.</summary>
    public string Says { get; init; } = "";

    /// <summary>Sends probes one after the other. A service that cannot answer now was not probed; it issues nothing, either.</summary>
    public static async Task RunAsync(Deployment deployment, IReadOnlyList<Probe> probes, Verdict verdict, CancellationToken stop)
    {
        foreach (var probe in probes)
        {
            var reply = await deployment.Services.AskAsync(probe.Service, probe.Path, stop, probe.Bearer, probe.Method, probe.Body, probe.Headers);
            if (!reply.Answered) verdict.Unseen(reply.Body);
            else if (reply.Status is 429 or >= 500) verdict.Unseen($"{probe.Service} answers {probe.What} with {reply.Status}");
            else if (!probe.Refusals.Contains(reply.Status)) verdict.Fail($"{probe.Service} answers {probe.What} with {reply.Status}");
            else if (!reply.Body.Contains(probe.Says, StringComparison.Ordinal)) verdict.Fail($"{probe.Service} refuses {probe.What} for another reason");
            else verdict.Ok("every probe was refused");
        }
    }
}
