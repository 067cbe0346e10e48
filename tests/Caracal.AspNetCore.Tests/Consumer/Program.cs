using System.Net;
using Caracal.Admin;
using Caracal.AspNetCore;
using Caracal.AspNetCore.OpenApi;
using Caracal.Mcp;
using Caracal.Sdk;
using Caracal.Testing;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using ModelContextProtocol.Client;
using ModelContextProtocol.Server;

// Every package, used as its README says, compiled ahead of time: a resource server, an MCP server, an agent and an operator.
const string Reports = "resource://reports";
using var sts = new TestSts();

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
builder.Services.AddCaracal(_ => sts.VerifierOptions(Reports));
builder.Services.AddOpenApi(openApi => openApi.AddCaracal());
builder.Services.AddMcpServer().WithHttpTransport(http => http.Stateless = true)
    .WithTools([McpServerTool.Create((string name) => $"report {name}", new McpServerToolCreateOptions { Name = "read_report" })])
    .WithCaracalTools(tools => tools.Require("read_report", "reports:read"));
var options = new CaracalOptions
{
    ZoneId = sts.ZoneId, ApplicationId = "app", ClientSecret = "secret", StsUrl = sts.Issuer, CoordinatorUrl = "https://coordinator.test",
    Resources = [Reports], Http = sts.Handler,
};
builder.Services.AddCaracalClient(_ => options);

await using var app = builder.Build();
app.UseAuthentication();
app.UseAuthorization();
app.MapGet("/reports", (HttpContext http) => http.GetMandate()!.Sub).RequireMandate("reports:read");
app.MapGet("/v1/zones", () => Results.Text("""{"items":[{"id":"zone-1","name":"acme"}],"next_cursor":null}""", "application/json"));
app.MapCaracalMcp("/mcp", new ProtectedResource(Reports, [sts.Issuer], ["reports:read"]));
app.MapHealthChecks("/health");
app.MapOpenApi();
await app.StartAsync();
var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

using var caller = new HttpClient { BaseAddress = new Uri(url) };
Console.WriteLine($"health {await caller.GetStringAsync("/health")}");
Console.WriteLine($"without a mandate {(int)(await caller.GetAsync("/reports")).StatusCode}");
Console.WriteLine($"described {(await caller.GetStringAsync("/openapi/v1.json")).Contains("reports:read", StringComparison.Ordinal)}");
caller.DefaultRequestHeaders.Authorization = new("Bearer", sts.Mint(new TestMandate(Reports) { Scopes = ["reports:read"] }));
Console.WriteLine($"with one {await caller.GetStringAsync("/reports")}");

var caracal = app.Services.GetRequiredService<CaracalClient>();
await caracal.RunSessionAsync(
    async (parent, stop) => await caracal.RunSessionAsync(
        async (child, inner) => Console.WriteLine($"{child.SessionId} of {parent.SessionId}: {(await caracal.MintMandateAsync(Reports, ["reports:read"], cancellationToken: inner)).ExpiresIn} s"),
        new AgentSessionOptions { Labels = ["reader"], Authority = Authority.Narrow(["reports:read"], 300, Reports) }, stop),
    new AgentSessionOptions { Labels = ["planner"], Authority = Authority.None });

using var admin = new AdminClient(new AdminOptions { ApiUrl = url, AdminToken = "cat_token" });
Console.WriteLine($"zone {(await admin.EnsureZoneAsync("acme")).Id}");

await using var mcp = await McpClient.CreateAsync(new HttpClientTransport(
    new HttpClientTransportOptions { Endpoint = new Uri(url + "/mcp"), TransportMode = HttpTransportMode.StreamableHttp }, caller));
Console.WriteLine($"tools {string.Join(' ', (await mcp.ListToolsAsync()).Select(tool => tool.Name))}");
