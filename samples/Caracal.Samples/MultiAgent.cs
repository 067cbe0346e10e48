using Caracal.Sdk;
using Microsoft.AspNetCore.Builder;

namespace Caracal.Samples;

/// <summary>A planner that may read and write starts a reader that may only read.</summary>
internal static class MultiAgent
{
    public static async Task RunAsync(SampleStack stack)
    {
        await using var upstream = SampleStack.NewServer().Build();
        upstream.MapGet("/today", () => "3 reports");
        upstream.MapPost("/today", () => "written");
        var (_, options) = await stack.PrepareAsync("multi-agent", await SampleStack.StartAsync(upstream), ["reports:read", "reports:write"]);
        await using var caracal = CaracalClient.FromOptions(options);

        await caracal.RunSessionAsync(
            async (planner, stop) =>
            {
                Console.WriteLine($"planner: session, hop {planner.Hop}");
                await caracal.RunSessionAsync(
                    async (reader, inner) =>
                    {
                        Console.WriteLine($"reader: child session, hop {reader.Hop}");
                        await TryAsync("reader reads", () => caracal.SendAsync("resource://reports", "/today", ["reports:read"], cancellationToken: inner));
                        await TryAsync("reader writes", () => caracal.SendAsync("resource://reports", "/today", ["reports:write"], HttpMethod.Post, cancellationToken: inner));
                    },
                    new AgentSessionOptions { Task = "read what is new", Labels = ["agent"], Authority = Authority.Narrow(["reports:read"], 300, "resource://reports") },
                    stop);
            },
            new AgentSessionOptions { Task = "plan the day", Labels = ["agent"], Authority = Authority.None });
        Console.WriteLine("both sessions have ended");
    }

    private static async Task TryAsync(string what, Func<Task<HttpResponseMessage>> call)
    {
        try
        {
            using var answer = await call();
            Console.WriteLine($"{what}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
        }
        catch (CaracalException refused)
        {
            Console.WriteLine($"{what}: refused, {refused.Code}");
        }
    }
}
