using System.Runtime.Versioning;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Admin;
using Caracal.EndToEnd;
using Caracal.Sdk.Tests.Stacks;
using Caracal.Verifier;
using Caracal.Verifier.Revocations;

namespace Caracal.Sdk.Tests;

/// <summary><c>caracal run</c> as a process of its own, with a workload's credentials from a real STS (cli.md 6).</summary>
[SupportedOSPlatform("linux")]
public abstract class WorkloadRunTests(GovernedStack stack) : IAsyncLifetime
{
    private const string Tokens = "resource://tokens";
    private const string Signed = "resource://signed";

    private readonly CaracalCommand _caracal = new();
    private AdminClient _admin = null!;
    private ZoneAdmin _zone = null!;

    private string Marker => Path.Combine(_caracal.Folder, "ran");

    public async ValueTask InitializeAsync()
    {
        _admin = new AdminClient(new AdminOptions { ApiUrl = stack.ApiUrl, AdminToken = stack.AdminToken });
        _zone = _admin.In(stack.ZoneId);
        await ResourceAsync(Tokens, "bearer_token", new JsonObject { ["bearer_token"] = "static-token", ["allow_runtime_injection"] = true });
        await ResourceAsync(Signed, "caracal_mandate", new JsonObject { ["allow_runtime_injection"] = true });
    }

    public ValueTask DisposeAsync()
    {
        _admin.Dispose();
        _caracal.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task The_program_gets_its_credentials_and_a_mandate_that_a_resource_server_accepts()
    {
        await WorkloadAsync(Binding("API_TOKEN", Tokens), Binding("CALL_MANDATE", Signed, "pipernet:read"), Binding("GONE", "resource://gone", optional: true));
        var (exit, output, error) = await _caracal.RunAsync("run", "--", "sh", "-c", $"env > {Marker}; exit 3");
        Assert.True(exit == 3, output + error);
        Assert.Contains("optional credential skipped resource=resource://gone", output, StringComparison.Ordinal);
        var seen = (await File.ReadAllLinesAsync(Marker)).Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal("static-token", seen["API_TOKEN"]);
        Assert.False(seen.ContainsKey("API_TOKEN_EXPIRES_AT")); // it does not end
        Assert.DoesNotContain(seen.Keys, name => name is "GONE" || name.StartsWith("CARACAL_", StringComparison.Ordinal));

        var token = seen["CALL_MANDATE"];
        using var claims = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[1]));
        using var verifier = new MandateVerifier(new MandateVerifierOptions
        {
            Issuer = claims.RootElement.GetProperty("iss").GetString()!,
            Audience = Signed,
            ZoneId = stack.ZoneId,
            Revocations = new InMemoryRevocationStore(),
            Requirements = new MandateRequirements { RequiredScopes = [GovernedStack.Read] },
        });
        var verified = await verifier.VerifyAsync(token);
        Assert.True(verified.IsAccepted(out var principal), verified.Failure?.Code);
        Assert.Equal(principal.ExpiresAt.ToUnixTimeSeconds().ToString(), seen["CALL_MANDATE_EXPIRES_AT"]);
        Assert.InRange(principal.ExpiresAt - DateTimeOffset.UtcNow, TimeSpan.Zero, TimeSpan.FromSeconds(900));
    }

    [Theory]
    [InlineData(GovernedStack.Resource, "access_denied")] // its provider's key is never given out
    [InlineData("resource://gone", "resource_not_found")]
    public async Task A_required_credential_that_the_sts_refuses_starts_nothing(string resource, string reason)
    {
        await WorkloadAsync(Binding("API_TOKEN", Tokens), Binding("SECOND", resource));
        var (exit, _, error) = await _caracal.RunAsync("run", "touch", Marker);
        Assert.Equal(1, exit);
        Assert.False(File.Exists(Marker));
        using var said = JsonDocument.Parse(error.Split('\n')[0]);
        Assert.Equal((resource, reason), (said.RootElement.GetProperty("resource").GetString(), said.RootElement.GetProperty("reason").GetString()));
        Assert.NotEmpty(said.RootElement.GetProperty("requestId").GetString()!);
        Assert.DoesNotContain("static-token", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public async Task A_credential_that_needs_approval_is_waited_for_visibly(bool approved, int code)
    {
        await WorkloadAsync(Binding("CALL_MANDATE", Signed, GovernedStack.Danger));
        using var launcher = _caracal.Start("run", "touch", Marker);
        var errors = launcher.StandardError;
        using var hold = JsonDocument.Parse((await errors.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)))!);
        Assert.Equal((Signed, "approval_required"), (hold.RootElement.GetProperty("resource").GetString(), hold.RootElement.GetProperty("reason").GetString()));
        Assert.Contains("waiting up to", await errors.ReadLineAsync(), StringComparison.Ordinal);
        Assert.False(File.Exists(Marker));
        await stack.DecideAsync(hold.RootElement.GetProperty("approval_id").GetString()!, approved);
        await launcher.WaitForExitAsync();
        Assert.Equal(code, launcher.ExitCode);
        Assert.Equal(approved, File.Exists(Marker));
        if (!approved) Assert.Contains("approval_rejected", await errors.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_that_was_replaced_launches_nothing_any_more()
    {
        var id = await WorkloadAsync(Binding("API_TOKEN", Tokens));
        Assert.Equal(0, (await _caracal.RunAsync("run", "true")).Exit);
        await _zone.Workloads.PostAsync(id, "rotate-secret");
        var (exit, _, error) = await _caracal.RunAsync("run", "touch", Marker);
        Assert.Equal(1, exit);
        Assert.Contains("invalid workload credentials", error, StringComparison.Ordinal);
        Assert.False(File.Exists(Marker));
    }

    private static JsonObject Binding(string env, string resource, string? scope = null, bool optional = false)
    {
        var binding = new JsonObject { ["env"] = env, ["resource"] = resource };
        if (scope is not null) binding["scopes"] = new JsonArray(scope);
        if (optional) (binding["optional"], binding["on_failure"]) = (true, "warn");
        return binding;
    }

    // A workload of its own per test, and the command that launches as it.
    private async Task<string> WorkloadAsync(params JsonNode[] bindings)
    {
        var made = await _admin.SendAsync(HttpMethod.Post, $"/v1/zones/{stack.ZoneId}/workloads", new JsonObject { ["name"] = Guid.NewGuid().ToString("N") });
        var id = made.GetProperty("id").GetString()!;
        await _zone.Workloads.ReplaceAsync(id, new JsonObject { ["bindings"] = new JsonArray(bindings) });
        var file = Path.Combine(_caracal.Folder, "workload-secret");
        await File.WriteAllTextAsync(file, made.GetProperty("secret").GetString());
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _caracal.With("CARACAL_WORKLOAD_ID", id).With("CARACAL_WORKLOAD_SECRET_FILE", file).With("CARACAL_STS_URL", stack.Options.StsUrl);
        return id;
    }

    private async Task ResourceAsync(string identifier, string kind, JsonObject config)
    {
        if ((await _zone.Resources.ListAsync()).Any(resource => resource.Identifier == identifier)) return; // the stack is shared
        var provider = await _zone.Providers.CreateAsync(new JsonObject { ["name"] = identifier, ["kind"] = kind, ["config_json"] = config });
        await _zone.Resources.CreateAsync(new JsonObject
        {
            ["name"] = identifier,
            ["identifier"] = identifier,
            ["upstream_url"] = stack.Upstream.Url,
            ["scopes"] = new JsonArray(GovernedStack.Read, GovernedStack.Danger),
            ["credential_provider_id"] = provider.Id,
            ["operation_enforcement"] = "transport_uniform",
        });
    }
}

[SupportedOSPlatform("linux")]
public sealed class EmbeddedWorkloads(EmbeddedStack stack) : WorkloadRunTests(stack), IClassFixture<EmbeddedStack>;

[SupportedOSPlatform("linux")]
[Collection(SeparateStack.Shared)]
public sealed class SeparateWorkloads(SeparateStack stack) : WorkloadRunTests(stack);
