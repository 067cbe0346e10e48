using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Hosting.Metrics;
using Caracal.Hosting.StsCalls;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Protocol.Mandates;

namespace Caracal.ControlPlane.Rotations;

/// <summary>A live instance and where it said it listens.</summary>
internal sealed record InstanceAddress(string Name, string Service, string? Address)
{
    /// <summary>The part of the name after the service is that of the process.</summary>
    public bool SharesProcessWith(InstanceAddress other) => Name[(Service.Length + 1)..] == other.Name[(other.Service.Length + 1)..];
}

/// <summary>Asks running instances how they are, each at the address of its heartbeat, with the metrics bearer.</summary>
internal sealed class InstanceProbes(ControlPlaneSettings settings, TimeProvider time) : IDisposable
{
    private delegate bool WantedSeries(ReadOnlySpan<char> series);

    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient http = new(StsHttp.Handler(settings.Authorities)) { Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = 16 * 1024 * 1024 };

    public void Dispose() => http.Dispose();

    /// <summary>
    /// Nobody waits for a look at the instances as callers wait for an answer, and both want the same cores: who looks works half
    /// of the time at most.
    /// </summary>
    /// <param name="worked">How long it took.</param>
    /// <param name="cancellationToken">Ends the rest.</param>
    public Task RestAsync(TimeSpan worked, CancellationToken cancellationToken)
    {
        var longest = settings.RotationProbeInterval < LongestRest ? settings.RotationProbeInterval : LongestRest;
        return Task.Delay(worked < longest ? worked : longest, time, cancellationToken);
    }

    /// <summary>Who is not ready and why; null when all are.</summary>
    public async Task<string?> FirstNotReadyAsync(IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken)
    {
        foreach (var instance in instances)
        {
            using var answer = await SendAsync(HttpMethod.Get, instance, "/ready", cancellationToken);
            if (answer?.StatusCode != HttpStatusCode.OK) return $"{instance.Name} answers {Status(answer)}";
        }

        return null;
    }

    public async Task<bool> HoldsRevocationAsync(InstanceAddress gateway, string anchor, CancellationToken cancellationToken)
    {
        using var document = await JsonAsync(HttpMethod.Get, gateway, $"/internal/revocations/{anchor}", cancellationToken);
        return document?.RootElement.GetProperty("revoked").GetBoolean() == true;
    }

    /// <summary>Whether one of the STS that share the revocation group has handled a canary.</summary>
    public async Task<bool> AnyAcknowledgedAsync(IReadOnlyList<InstanceAddress> services, string anchor, CancellationToken cancellationToken)
    {
        foreach (var sts in services)
        {
            using var document = await JsonAsync(HttpMethod.Get, sts, $"/internal/revocations/{anchor}", cancellationToken);
            if (document?.RootElement.GetProperty("acknowledged").GetBoolean() == true) return true;
        }

        return false;
    }

    /// <summary>Whether an Audit makes a dead letter of an event signed with a key nobody knows.</summary>
    public async Task<bool> RefusesForgeryAsync(InstanceAddress audit, CancellationToken cancellationToken)
    {
        using var document = await JsonAsync(HttpMethod.Post, audit, "/internal/selftest/refusal", cancellationToken);
        return document?.RootElement.GetProperty("ok").GetBoolean() == true;
    }

    /// <summary>Key ids of a zone's JWKS as an STS serves it; null when it serves none.</summary>
    public async Task<IReadOnlyList<string>?> PublishedKeysAsync(InstanceAddress sts, string zoneId, CancellationToken cancellationToken)
    {
        using var document = await JsonAsync(HttpMethod.Get, sts, $"/.well-known/jwks.json?zone_id={Uri.EscapeDataString(zoneId)}", cancellationToken);
        return document?.RootElement.GetProperty("keys").EnumerateArray().Select(key => key.GetProperty("kid").GetString()!).ToList();
    }

    /// <summary>A zone's JWKS as an STS serves it and as verifiers read it; null when it serves none.</summary>
    public async Task<JsonWebKeySet?> PublishedSetAsync(InstanceAddress sts, string zoneId, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Get, sts, $"/.well-known/jwks.json?zone_id={Uri.EscapeDataString(zoneId)}", cancellationToken);
        return answer?.StatusCode == HttpStatusCode.OK ? JsonWebKeySet.TryParse(await answer.Content.ReadAsByteArrayAsync(cancellationToken)) : null;
    }

    /// <summary>What an STS signs with the key that signs the zone's mandates now; null when it signs nothing. And whether it answers at all.</summary>
    public async Task<(KeySample? Sample, bool Answers)> SampleAsync(InstanceAddress sts, string zoneId, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(HttpMethod.Post, sts, $"/internal/keys/sample/{Uri.EscapeDataString(zoneId)}", cancellationToken);
        if (answer?.StatusCode != HttpStatusCode.OK) return (null, answer is not null);
        try
        {
            using var document = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellationToken));
            return (KeySample.TryParse(document.RootElement.GetProperty("sample").GetString() ?? ""), true);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return (null, true); // something else answers there
        }
    }

    /// <summary>What an STS says of zone keys that do not open there; null when all do.</summary>
    public async Task<string?> FailedSelfTestAsync(InstanceAddress sts, CancellationToken cancellationToken)
    {
        using var document = await JsonAsync(HttpMethod.Post, sts, "/internal/keys/selftest", cancellationToken);
        if (document is null) return "does not answer its self test";
        return document.RootElement.GetProperty("ok").GetBoolean()
            ? null
            : $"cannot open the keys of {string.Join(", ", document.RootElement.GetProperty("failed").EnumerateArray().Take(5).Select(zone => zone.GetString()))}";
    }

    /// <summary>
    /// Every STS takes a call signed with the current key and refuses one signed with a key nobody knows, of this API and of
    /// every Gateway (operations.md 4.7, V5).
    /// </summary>
    public async Task<(bool Ok, string Detail)> PingAsync(IReadOnlyList<InstanceAddress> instances, HmacKeyRing keys, CancellationToken cancellationToken)
    {
        var unknown = HmacKeyRing.Of(KeyClass.GatewayStsHmac, RandomNumberGenerator.GetBytes(32));
        var services = instances.Where(instance => instance.Service == "sts").ToList();
        foreach (var sts in services)
        {
            if (await PingAsync(sts, keys, cancellationToken) is var own and not HttpStatusCode.OK) return (false, $"{sts.Name} answers {(int)own} to a good signature");
            if (await PingAsync(sts, unknown, cancellationToken) is var other and not HttpStatusCode.Unauthorized)
            {
                return (false, $"{sts.Name} answers {(int)other} to a wrong signature");
            }
        }

        // A Gateway in the process of an STS signs nothing.
        var gateways = instances.Where(instance => instance.Service == "gateway" && !services.Any(instance.SharesProcessWith)).ToList();
        foreach (var gateway in gateways)
        {
            if (await FailedExchangeAsync(gateway, keys.SecretId, cancellationToken) is { } fault) return (false, $"{gateway.Name} {fault}");
        }

        return (true, $"{services.Count} STS take the key and refuse a wrong one, {gateways.Count} Gateways sign with it");
    }

    // What a Gateway's own exchange with the STS lacks; null when nothing.
    private async Task<string?> FailedExchangeAsync(InstanceAddress gateway, string sid, CancellationToken cancellationToken)
    {
        using var good = await JsonAsync(HttpMethod.Post, gateway, SignedStsCall.SelfTestPath, cancellationToken, """{"bad_key":false}""");
        if (good is null) return "does not answer its self test";
        if (!good.RootElement.GetProperty("ok").GetBoolean()) return $"is answered {good.RootElement.GetProperty("status").GetInt32()} by the STS";
        if (!good.RootElement.TryGetProperty("matched_sid", out var matched) || matched.GetString() != sid) return $"does not sign with {sid}";
        using var bad = await JsonAsync(HttpMethod.Post, gateway, SignedStsCall.SelfTestPath, cancellationToken, """{"bad_key":true}""");
        return bad?.RootElement.GetProperty("ok").GetBoolean() == true ? null : "is not refused with a wrong key";
    }

    /// <summary>How an instance answers a bearer; 0 when it does not.</summary>
    public async Task<HttpStatusCode> StatusWithAsync(InstanceAddress instance, string path, SecretText bearer, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(
            HttpMethod.Get, instance, path, cancellationToken, request => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer.Reveal()));
        return answer?.StatusCode ?? (HttpStatusCode)0;
    }

    /// <summary>One look at the metrics of every instance, for all that is judged by them.</summary>
    public async Task<InstanceFigures> FiguresAsync(IReadOnlyList<InstanceAddress> instances, CancellationToken cancellationToken) => InstanceFigures.Of(
        await SeriesAsync(
            instances,
            static series => series.StartsWith(InstanceFigures.PoolUse) || series.StartsWith(InstanceFigures.RedisConnections) || InstanceFigures.TellsOfFailure(series),
            cancellationToken));

    /// <summary>The named figures by instance and series, and who shows none.</summary>
    public async Task<(IReadOnlyDictionary<string, double> Figures, IReadOnlyList<string> Silent)> DrainFiguresAsync(
        IReadOnlyList<InstanceAddress> instances, IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var silent = new List<string>();
        var figures = await SeriesAsync(instances, series => Names(series, names), cancellationToken, silent);
        return (figures, silent);
    }

    private async Task<IReadOnlyDictionary<string, double>> SeriesAsync(
        IReadOnlyList<InstanceAddress> instances, WantedSeries wanted, CancellationToken cancellationToken, List<string>? silent = null)
    {
        var counts = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var instance in instances)
        {
            using var answer = await SendAsync(HttpMethod.Get, instance, "/metrics", cancellationToken);
            if (answer?.StatusCode != HttpStatusCode.OK) silent?.Add(instance.Name);
            else Read(instance, await answer.Content.ReadAsStringAsync(cancellationToken), wanted, counts);
        }

        return counts;
    }

    // A page has hundreds of series, of which a few are wanted: the others become no text of their own.
    private static void Read(InstanceAddress instance, string page, WantedSeries wanted, Dictionary<string, double> counts)
    {
        foreach (var line in page.AsSpan().EnumerateLines())
        {
            if (line.StartsWith('#') || line.LastIndexOf(' ') is not (var at and > 0) || !wanted(line)) continue;
            if (double.TryParse(line[(at + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var value)) counts[$"{instance.Name} {line[..at]}"] = value;
        }
    }

    private async Task<JsonDocument?> JsonAsync(HttpMethod method, InstanceAddress instance, string path, CancellationToken cancellationToken, string? body = null)
    {
        using var answer = await SendAsync(method, instance, path, cancellationToken, body: body);
        return answer?.StatusCode == HttpStatusCode.OK ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellationToken)) : null;
    }

    private async Task<HttpStatusCode> PingAsync(InstanceAddress sts, HmacKeyRing keys, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(
            HttpMethod.Post, sts, SignedStsCall.PingPath, cancellationToken, request => SignedStsCall.Sign(request, keys, time.GetUtcNow(), SignedStsCall.PingPath, []));
        return answer?.StatusCode ?? (HttpStatusCode)0;
    }

    private async Task<HttpResponseMessage?> SendAsync(
        HttpMethod method, InstanceAddress instance, string path, CancellationToken cancellationToken, Action<HttpRequestMessage>? sign = null, string? body = null)
    {
        if (instance.Address is not { } address) return null;
        using var request = new HttpRequestMessage(method, address + path);
        request.Headers.TryAddWithoutValidation("User-Agent", ScrapeFigures.OwnLook);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (sign is not null) sign(request);
        else if (settings.MetricsBearer is { } bearer) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer.Current.Reveal());
        try
        {
            var start = time.GetTimestamp();
            var answer = await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
            await RestAsync(time.GetElapsedTime(start), cancellationToken);
            return answer;
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static bool Names(ReadOnlySpan<char> series, IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            if (series.Contains(name, StringComparison.Ordinal)) return true;
        }

        return false;
    }

    private static string Status(HttpResponseMessage? answer) => answer is null ? "nothing" : ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture);
}
