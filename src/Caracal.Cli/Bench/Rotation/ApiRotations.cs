using System.Security.Cryptography;
using Caracal.Cli.Client;
using Caracal.Cli.Processes;

namespace Caracal.Cli.Bench.Rotation;

/// <summary>The rotations that are a call or three of the API: a zone's signing key, the secrets of a workload and an application, an upstream's credential.</summary>
internal sealed class ApiRotations(WireClient wire, IMeasuredStack stack, GovernedZone zone, string workloadId, ISet<string> values, CancellationToken stop)
{
    private string? provider;
    private bool again;

    /// <summary>The zone with the client secret of now.</summary>
    public GovernedZone Zone { get; private set; } = zone;

    // The next takes the place of the one before without waiting for its overlap.
    public async Task ZoneKeyAsync()
    {
        (await CallAsync("keys/rotate", $$"""{"activation":"immediate","reason":"the benchmark rotates every class","force":{{(again ? "true" : "false")}}}""")).Require("zone key");
        again = true;
    }

    public async Task WorkloadAsync() => values.Add((await CallAsync(
        $"workloads/{workloadId}/rotate-secret", """{"overlap_seconds":60,"reason":"the benchmark rotates every class"}""")).Require("workload secret")["secret"]);

    // The upstream here lets everybody in, so no canary proves anything.
    public async Task CredentialAsync()
    {
        provider ??= (await wire.ApiAsync(HttpMethod.Get, $"/v1/zones/{Zone.ZoneId}/providers", stack.AdminToken, null, stop)).Body.GetProperty("items")[0].GetProperty("id").GetString();
        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        values.Add(key);
        (await CallAsync($"providers/{provider}/credential/stage", $$$"""{"config_json":{"api_key":"{{{key}}}"}}""")).Require("stage");
        (await CallAsync($"providers/{provider}/credential/shift", """{"force":true}""")).Require("shift");
        (await CallAsync($"providers/{provider}/credential/retire", """{"force":true}""")).Require("retire");
    }

    public async Task ApplicationAsync()
    {
        var answer = (await CallAsync(
            $"applications/{Zone.ApplicationId}/rotate-secret", """{"overlap_seconds":60,"reason":"the benchmark rotates every class"}""")).Require("application secret");
        values.Add(Zone.ClientSecret);
        values.Add(answer["client_secret"]);
        Zone = Zone with { ClientSecret = answer["client_secret"] };
    }

    private Task<WireAnswer> CallAsync(string path, string body) => wire.ApiAsync(HttpMethod.Post, $"/v1/zones/{Zone.ZoneId}/{path}", stack.AdminToken, body, stop);
}
