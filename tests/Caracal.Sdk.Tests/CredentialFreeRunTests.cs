using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using Caracal.EndToEnd;
using Caracal.Sdk.Tests.Stacks;

namespace Caracal.Sdk.Tests;

/// <summary><c>caracal run --credential-free</c> as a process of its own, against a real stack.</summary>
[SupportedOSPlatform("linux")]
public abstract class CredentialFreeRunTests(GovernedStack stack)
{
    // Asks the proxy over a plain socket, as any HTTP client does.
    private const string Ask =
        """
        ask() { exec 3<>/dev/tcp/${1%%:*}/${1##*:} || return 1; printf '%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" ${3:-x} >&3; head -1 <&3; exec 3<&-; }
        base=${PIPERNET_BASE_URL#http://}; proxy=${base%%/*}

        """;

    [Fact]
    public async Task The_child_reaches_its_resource_and_holds_nothing_that_opens_anything()
    {
        using var caracal = Command();
        var before = (await stack.SessionsAsync()).Select(session => session.Id).ToHashSet(); // a killed launcher leaves its own to their lifetime
        var evidence = Directory.CreateDirectory(Path.Combine(caracal.Folder, "evidence")).FullName;
        var script = Ask + $$"""
            ask $proxy "GET /pipernet/reports?year=2026" > {{evidence}}/by-base
            ask $proxy "GET http://api.pipernet.example/v1/by/proxy" > {{evidence}}/by-proxy
            ask $proxy "POST /pipernet/a/%2e%2e/b" > {{evidence}}/devious
            ask $proxy "GET http://elsewhere.example/" > {{evidence}}/elsewhere
            ask $proxy "CONNECT api.pipernet.example:443" api.pipernet.example:443 > {{evidence}}/tunnel
            ( sleep 0.1; ask $proxy "GET /pipernet/grandchild" > {{evidence}}/grandchild ) &
            wait
            cat /proc/$$/environ /proc/$$/cmdline > {{evidence}}/held
            for fd in /proc/$$/fd/*; do t=$(readlink $fd); echo $t; [ -f "$t" ] && cat "$t"; done >> {{evidence}}/held
            find ${TMPDIR:-/tmp} -maxdepth 3 -newer {{evidence}}/by-base -type f -user $(id -u) -size -200k -exec cat {} + >> {{evidence}}/held 2>/dev/null
            """;
        var (exit, output, error) = await caracal.RunAsync("run", "--credential-free", "--allow", "resource://pipernet=pipernet:read", "--", "bash", "-c", script);
        Assert.True(exit == 0, output + error);
        string Seen(string name) => File.ReadAllText(Path.Combine(evidence, name));
        Assert.StartsWith("HTTP/1.1 200", Seen("by-base"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", Seen("by-proxy"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200", Seen("grandchild"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", Seen("devious"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403", Seen("elsewhere"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403", Seen("tunnel"), StringComparison.Ordinal);

        var held = Seen("held");
        Assert.Contains("PIPERNET_BASE_URL=http://127.0.0.1:", held, StringComparison.Ordinal); // what was searched is what it holds
        foreach (var credential in (string[])[stack.ClientSecret, "eyJ", "upstream-key", "cs_", "ws_", "cat_", "Bearer "]) Assert.DoesNotContain(credential, held, StringComparison.Ordinal);
        Assert.DoesNotContain("CARACAL_", held, StringComparison.Ordinal);
        Assert.DoesNotContain(await stack.SessionsAsync(), session => session.Status == "active" && !before.Contains(session.Id));
    }

    [Fact]
    public async Task Nobody_but_the_run_is_served_and_after_the_launcher_is_killed_nobody_at_all()
    {
        using var caracal = Command();
        var log = Path.Combine(caracal.Folder, "answers");
        var script = Ask + $$"""
            echo $$ $proxy > {{log}}.pid; mv {{log}}.pid {{log}}.ready
            while :; do echo "$(ask $proxy 'GET /pipernet/loop' 2>/dev/null | tr -d '\r')." >> {{log}}; sleep 0.05; done
            """;
        using var launcher = caracal.Start("run", "--credential-free", "--allow=resource://pipernet=pipernet:read", "bash", "-c", script);
        await UntilAsync(() => Lines(log).Contains("HTTP/1.1 200 OK."));
        var ready = (await File.ReadAllTextAsync(log + ".ready")).Split(' ');
        using var child = Process.GetProcessById(int.Parse(ready[0]));
        try
        {
            var proxy = IPEndPoint.Parse(ready[1].Trim());
            Assert.Equal("", await AskAsync(proxy));

            launcher.Kill();
            await launcher.WaitForExitAsync();
            var before = Lines(log).Length;
            await UntilAsync(() => Lines(log).Length >= before + 10);
            Assert.False(child.HasExited);
            Assert.All(Lines(log)[(before + 1)..], line => Assert.Equal(".", line));
            await Assert.ThrowsAsync<SocketException>(() => AskAsync(proxy));
        }
        finally
        {
            child.Kill();
        }
    }

    [Theory]
    [InlineData("TERM", 9)]
    [InlineData("HUP", 8)]
    [InlineData("INT", 7)]
    public async Task A_signal_reaches_the_child_and_its_end_is_the_launchers(string signal, int code)
    {
        using var caracal = Command();
        var ready = Path.Combine(caracal.Folder, "ready");
        using var launcher = caracal.Start(
            "run", "--credential-free", "--allow", "resource://pipernet=pipernet:read", "--", "bash", "-c", $"trap 'exit {code}' {signal}; touch {ready}; while :; do sleep 0.02; done");
        await UntilAsync(() => File.Exists(ready));
        using (var kill = Process.Start("kill", ["-" + signal, launcher.Id.ToString()])) await kill.WaitForExitAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await launcher.WaitForExitAsync(limit.Token);
        }
        finally
        {
            if (!launcher.HasExited) launcher.Kill(entireProcessTree: true);
        }

        Assert.Equal(code, launcher.ExitCode);
    }

    [Fact]
    public async Task A_call_that_needs_approval_waits_for_it_where_people_see_it()
    {
        using var caracal = Command();
        var answer = Path.Combine(caracal.Folder, "answer");
        using var launcher = caracal.Start(
            "run", "--credential-free", "--allow", "resource://pipernet=pipernet:danger", "--", "bash", "-c", Ask + $"ask $proxy 'POST /pipernet/danger' > {answer}");
        var line = await launcher.StandardError.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        using var hold = System.Text.Json.JsonDocument.Parse(line!);
        Assert.Equal("approval_required", hold.RootElement.GetProperty("reason").GetString());
        await stack.DecideAsync(hold.RootElement.GetProperty("approval_id").GetString()!, approve: true);
        await launcher.WaitForExitAsync();
        Assert.StartsWith("HTTP/1.1 200", await File.ReadAllTextAsync(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_explains_where_each_value_came_from_and_shows_no_secret()
    {
        using var caracal = Command();
        var (exit, output, _) = await caracal.RunAsync("config", "explain");
        Assert.Equal(0, exit);
        Assert.Contains("CARACAL_STS_URL", output, StringComparison.Ordinal);
        Assert.Contains("caracal.toml: zone_id", output, StringComparison.Ordinal);
        Assert.DoesNotContain(stack.ClientSecret, output, StringComparison.Ordinal);
        File.SetUnixFileMode(Path.Combine(caracal.Folder, "caracal.toml"), (UnixFileMode)0b110_110_110);
        Assert.Equal(1, (await caracal.RunAsync("config", "check")).Exit);
    }

    private CaracalCommand Command()
    {
        var caracal = new CaracalCommand();
        var secret = WriteOwnerOnly(caracal, "client-secret", stack.ClientSecret);
        var profile = WriteOwnerOnly(caracal, "caracal.toml", $"""
            zone_id = "{stack.ZoneId}"
            application_id = "{stack.ApplicationId}"
            app_client_secret_file = "{secret}"
            [[credentials]]
            resource = "resource://pipernet"
            upstream_prefix = "https://api.pipernet.example/v1"
            """);
        return caracal.With("CARACAL_CONFIG", profile).With("CARACAL_STS_URL", stack.Options.StsUrl)
            .With("CARACAL_COORDINATOR_URL", stack.Options.CoordinatorUrl).With("CARACAL_GATEWAY_URL", stack.Options.GatewayUrl)
            .With("TMPDIR", Directory.CreateDirectory(Path.Combine(caracal.Folder, "tmp")).FullName);
    }

    private static string WriteOwnerOnly(CaracalCommand caracal, string name, string text)
    {
        var path = Path.Combine(caracal.Folder, name);
        File.WriteAllText(path, text);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    private static string[] Lines(string path) => File.Exists(path) ? File.ReadAllLines(path) : [];

    private static async Task UntilAsync(Func<bool> condition)
    {
        var since = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(since.Elapsed < TimeSpan.FromSeconds(60), "it did not come to that");
            await Task.Delay(20);
        }
    }

    private static async Task<string> AskAsync(IPEndPoint proxy)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(proxy);
        try
        {
            var stream = socket.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes("GET /pipernet/stranger HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
            using var reader = new StreamReader(stream);
            return await reader.ReadToEndAsync();
        }
        catch (IOException)
        {
            return "";
        }
    }
}

[SupportedOSPlatform("linux")]
public sealed class EmbeddedCredentialFree(EmbeddedStack stack) : CredentialFreeRunTests(stack), IClassFixture<EmbeddedStack>;

[SupportedOSPlatform("linux")]
[Collection(SeparateStack.Shared)]
public sealed class SeparateCredentialFree(SeparateStack stack) : CredentialFreeRunTests(stack);
