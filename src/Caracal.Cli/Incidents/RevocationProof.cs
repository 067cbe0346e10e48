using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.KeyRotation;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Incidents;

/// <summary>V4 of an incident: every Gateway that lives says that it holds what was ended for revoked (operations.md 4.7, 10).</summary>
internal static class RevocationProof
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>The ids that an answer of the kill switch names; Gateways know sessions and authority records by them.</summary>
    public static IReadOnlyList<string> Anchors(JsonElement ended)
    {
        var examples = ended.GetProperty("examples");
        return [.. examples.GetProperty("sessions").EnumerateArray().Concat(examples.GetProperty("authority_records").EnumerateArray()).Select(id => id.GetString()!)];
    }

    /// <summary>False when a Gateway that lives does not know within five seconds, or does not answer.</summary>
    public static async Task<bool> ConfirmAsync(CommandContext context, KeysApi api, IReadOnlyList<string> anchors)
    {
        if (anchors.Count == 0) return true;
        var secrets = new SecretSource(context.Variables.With("CARACAL_SECRETS_DIR", KeysApi.SecretsOf(context)).All, role: null, published: false);
        if (secrets.Find(SecretFiles.MetricsBearer) is not { } bearer)
        {
            context.Terminal.Warning($"whether every Gateway knows was not asked: {SecretFiles.MetricsBearer} is not set");
            return true;
        }

        var instances = (await api.GetAsync("/v1/operations/instances", context.Stop)).Require("instances").Body.GetProperty("items").EnumerateArray();
        var gateways = instances.Where(instance => instance.GetProperty("service").GetString() == StackRoles.Gateway && instance.GetProperty("live").GetBoolean())
            .Select(instance => (Name: instance.GetProperty("instance").GetString()!, Address: instance.GetProperty("address").GetString())).ToList();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Limit };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bearer.Value.Reveal());
        var start = Stopwatch.GetTimestamp();
        var missing = (await Task.WhenAll(gateways.Select(gateway => MissingAsync(http, gateway.Address, anchors, start, context.Stop)))).ToList();
        var took = Stopwatch.GetElapsedTime(start);
        foreach (var (gateway, count) in gateways.Zip(missing).Where(pair => pair.Second > 0))
        {
            context.Terminal.Error($"Gateway {gateway.Name} does not know of {count} of {anchors.Count} revocations after {Limit.TotalSeconds:F0} s; reload its revocations, or stop it");
        }

        if (missing.Exists(count => count > 0)) return false;
        if (gateways.Count == 0) context.Terminal.Warning("no Gateway lives that could be asked whether it knows");
        else context.Terminal.Success($"{gateways.Count} Gateway(s) know of it after {took.TotalMilliseconds:F0} ms");
        return true;
    }

    private static async Task<int> MissingAsync(HttpClient http, string? address, IReadOnlyList<string> anchors, long start, CancellationToken stop)
    {
        var open = anchors.ToList();
        while (true)
        {
            foreach (var anchor in open.ToList())
            {
                if (await HoldsAsync(http, address, anchor, stop)) open.Remove(anchor);
            }

            if (open.Count == 0 || Stopwatch.GetElapsedTime(start) > Limit) return open.Count;
            await Task.Delay(Pause, stop);
        }
    }

    private static async Task<bool> HoldsAsync(HttpClient http, string? address, string anchor, CancellationToken stop)
    {
        if (address is null) return false;
        try
        {
            using var answer = await http.GetAsync(new Uri($"{address.TrimEnd('/')}/internal/revocations/{Uri.EscapeDataString(anchor)}"), stop);
            if (!answer.IsSuccessStatusCode) return false;
            using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(stop));
            return document.RootElement.GetProperty("revoked").GetBoolean();
        }
        catch (Exception fault) when (fault is HttpRequestException or JsonException or KeyNotFoundException || (fault is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return false;
        }
    }
}
