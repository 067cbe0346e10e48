using Caracal.Sdk;
using Microsoft.AspNetCore.Builder;

namespace Caracal.Samples;

/// <summary>A scope that a person has to approve; here the sample also plays the person.</summary>
internal static class HumanApproval
{
    private const string Tiers =
        """
        risk := [{"scope": "reports:delete", "tier": "high"}]
        approval_tiers := [{"tier": "high", "ttl_seconds": 600}]

        """;

    public static async Task RunAsync(SampleStack stack)
    {
        await using var upstream = SampleStack.NewServer().Build();
        upstream.MapDelete("/q3", () => "deleted");
        var (zone, options) = await stack.PrepareAsync("approval", await SampleStack.StartAsync(upstream), ["reports:read", "reports:delete"], Tiers);
        await using var caracal = CaracalClient.FromOptions(options);
        using var http = new HttpClient(caracal.CreateApplicationHandler("resource://reports", new ApplicationTransportOptions { Scopes = ["reports:delete"] }));

        var answer = await caracal.WithApprovalAsync(
            async (approval, stop) =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Delete, "https://reports.example/q3");
                if (approval is not null) request.Options.Set(CaracalRequest.ApprovalId, approval);
                try
                {
                    var done = await http.SendAsync(request, stop);
                    return $"{(int)done.StatusCode} {await done.Content.ReadAsStringAsync(stop)}";
                }
                catch (ApprovalRequiredException held)
                {
                    Console.WriteLine($"held: tier {held.Tier}, state {held.State}");
                    await zone.ApproveAsync(held.ApprovalId, "the sample's operator agrees", stop);
                    Console.WriteLine("the operator approved");
                    throw;
                }
            },
            TimeSpan.FromSeconds(30));
        Console.WriteLine($"DELETE /q3: {answer}");
    }
}
