using Caracal.AspNetCore;
using Caracal.Sdk;
using Caracal.Verifier;
using Caracal.Verifier.Revocations;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Caracal.Samples;

/// <summary>An API that verifies mandates itself, called by an application through the Gateway.</summary>
internal static class ProtectedApi
{
    public static async Task RunAsync(SampleStack stack)
    {
        var zone = await stack.ZoneAsync("protected-api");
        var builder = SampleStack.NewServer();
        builder.Services.AddCaracal(_ => new MandateVerifierOptions
        {
            Issuer = SampleStack.StsUrl,
            Audience = "resource://reports",
            ZoneId = zone,
            Revocations = new InMemoryRevocationStore(),
        });
        await using var api = builder.Build();
        api.UseAuthentication();
        api.UseAuthorization();
        api.MapGet("/reports", (HttpContext http) => $"reports for {http.GetMandate()!.SubType} with {http.GetMandate()!.Scope}").RequireMandate("reports:read");
        api.MapPost("/reports", () => "written").RequireMandate("reports:write");

        var url = await SampleStack.StartAsync(api);
        var (_, options) = await stack.PrepareAsync("protected-api", url, ["reports:read", "reports:write"]);

        await using var caracal = CaracalClient.FromOptions(options);
        using var http = new HttpClient(caracal.CreateApplicationHandler("resource://reports", new ApplicationTransportOptions { Scopes = ["reports:read"] }));
        await PrintAsync("GET  through the Gateway", await http.GetAsync("https://reports.example/reports"));
        await PrintAsync("POST through the Gateway", await http.PostAsync("https://reports.example/reports", null));
        using var direct = new HttpClient();
        await PrintAsync("GET  without a mandate  ", await direct.GetAsync(url + "/reports"));
    }

    private static async Task PrintAsync(string what, HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync();
        var error = text.StartsWith('{') ? System.Text.Json.JsonDocument.Parse(text).RootElement.GetProperty("error").GetString() : text;
        Console.WriteLine($"{what}: {(int)answer.StatusCode} {error}");
    }
}
