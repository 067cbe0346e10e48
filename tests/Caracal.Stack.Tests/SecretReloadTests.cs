using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;

namespace Caracal.Stack.Tests;

public sealed class SecretReloadTests : IDisposable
{
    private const string GatewayKeyFile = "gatewayStsHmacKey";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-reload-");
    private readonly StringWriter log = new();

    private string Secrets => Path.Combine(folder.FullName, "secrets");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    [Trait("requirement", "R26")]
    public async Task An_admin_token_is_rotated_under_a_running_stack_and_the_old_one_dies_when_its_file_goes()
    {
        await using var stack = await StartAsync();
        var zones = new Uri(stack.Urls[StackRoles.Api] + "/v1/zones");
        var (old, fresh) = (Read("caracalAdminToken"), NewToken());
        Assert.Equal(HttpStatusCode.OK, await LookAsync(zones, old));
        Assert.Equal(HttpStatusCode.Unauthorized, await LookAsync(zones, fresh));

        Write("caracalAdminToken.next", fresh);
        await UntilAsync(zones, fresh, HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.OK, await LookAsync(zones, old));

        Write("caracalAdminToken.previous", old);
        Write("caracalAdminToken", fresh);
        File.Delete(Path.Combine(Secrets, "caracalAdminToken.next"));
        await UntilLoggedAsync("current=" + Sid(fresh));
        Assert.Equal(HttpStatusCode.OK, await LookAsync(zones, old));
        Assert.Equal(HttpStatusCode.OK, await LookAsync(zones, fresh));

        File.Delete(Path.Combine(Secrets, "caracalAdminToken.previous"));
        await UntilAsync(zones, old, HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, await LookAsync(zones, fresh));
        await stack.StopAsync();
        Assert.DoesNotContain(fresh, log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(old, log.ToString(), StringComparison.Ordinal);
    }

    // Operations.md 14, check 14: what the key that went has signed opens nothing any more.
    [Fact]
    [Trait("requirement", "R25")]
    public async Task A_request_signed_with_the_gateway_key_that_was_retired_is_refused_by_the_STS()
    {
        await using var stack = await StartAsync();
        var sts = stack.Urls[StackRoles.Sts];
        var (old, fresh) = (Read(GatewayKeyFile), Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        Assert.Equal(HttpStatusCode.OK, await PingAsync(sts, old));
        Assert.Equal(HttpStatusCode.Unauthorized, await PingAsync(sts, fresh));

        Write(GatewayKeyFile + ".next", fresh);
        await UntilAsync(() => PingAsync(sts, fresh), HttpStatusCode.OK);
        Write(GatewayKeyFile + ".previous", old);
        Write(GatewayKeyFile, fresh);
        File.Delete(Path.Combine(Secrets, GatewayKeyFile + ".next"));
        await UntilLoggedAsync("current=" + SecretId.Of(KeyClass.GatewayStsHmac, Convert.FromHexString(fresh)));
        Assert.Equal(HttpStatusCode.OK, await PingAsync(sts, old));

        File.Delete(Path.Combine(Secrets, GatewayKeyFile + ".previous"));
        await UntilAsync(() => PingAsync(sts, old), HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.OK, await PingAsync(sts, fresh));
    }

    private Task<CaracalStack> StartAsync()
    {
        SecretFolder.Provision(Secrets);
        SecretFolder.Prepare(Path.Combine(folder.FullName, "data"));
        return CaracalStack.StartAsync(
            new StackOptions
            {
                Variables = new Dictionary<string, string?>(FreePorts.Variables(), StringComparer.Ordinal)
                {
                    ["CARACAL_MODE"] = "dev",
                    ["CARACAL_SECRETS_DIR"] = Secrets,
                    ["SECRETS_RELOAD_SECONDS"] = "1",
                },
                DataDirectory = Path.Combine(folder.FullName, "data"),
                Log = TextWriter.Synchronized(log),
            },
            default);
    }

    private static async Task<HttpStatusCode> LookAsync(Uri url, string token)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.GetAsync(url);
        return answer.StatusCode;
    }

    // As the Gateway signs each of its exchanges.
    private static async Task<HttpStatusCode> PingAsync(string sts, string key)
    {
        const string Path = "/internal/gateway/ping";
        var ring = HmacKeyRing.Of(KeyClass.GatewayStsHmac, Convert.FromHexString(key));
        var timestamp = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var nonce = GatewaySignature.NewNonce();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, sts + Path);
        request.Headers.Add(GatewaySignature.TimestampHeader, timestamp);
        request.Headers.Add(GatewaySignature.NonceHeader, nonce);
        request.Headers.Add(GatewaySignature.SignatureHeader, GatewaySignature.Sign(ring, timestamp, nonce, "POST", Path, []));
        using var answer = await http.SendAsync(request);
        return answer.StatusCode;
    }

    private static Task UntilAsync(Uri url, string token, HttpStatusCode expected) => UntilAsync(() => LookAsync(url, token), expected);

    private static async Task UntilAsync(Func<Task<HttpStatusCode>> look, HttpStatusCode expected)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (await look() != expected) await Task.Delay(100, limit.Token);
    }

    private async Task UntilLoggedAsync(string text)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!Logged().Contains(text, StringComparison.Ordinal)) await Task.Delay(100, limit.Token);
    }

    private string Logged()
    {
        try
        {
            return log.ToString();
        }
        catch (ArgumentException)
        {
            return ""; // A line was being written meanwhile; the next look sees it.
        }
    }

    private static string NewToken() => SecretMint.AdminToken();

    private static string Sid(string token) => SecretId.Of("admin-token", System.Text.Encoding.UTF8.GetBytes(token));

    private string Read(string file) => File.ReadAllText(Path.Combine(Secrets, file)).Trim();

    private void Write(string file, string value) => SecretFolder.WriteOwnerOnly(Path.Combine(Secrets, file), System.Text.Encoding.UTF8.GetBytes(value));
}
