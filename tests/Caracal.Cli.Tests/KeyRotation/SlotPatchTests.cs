using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Cli.KeyRotation;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Tests.KeyRotation;

/// <summary>What carries slot files into another store prints no value and, when run, carries exactly what the files hold.</summary>
public sealed class SlotPatchTests : IDisposable
{
    private static readonly RotatableClass Streams = RotatableClass.Find("streams-hmac")!;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-it's-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Kubernetes_gets_every_slot_and_loses_what_is_gone()
    {
        var (current, next) = (Write("streamsHmacKey"), Write("streamsHmacKey.next"));
        var text = SlotPatch.Of("kubernetes", folder.FullName, Streams, null);
        Assert.DoesNotContain(current, text, StringComparison.Ordinal);
        Assert.Contains("kubectl patch secret 'caracal-runtime' --type merge", text, StringComparison.Ordinal);

        var data = JsonDocument.Parse(await ShellAsync("kubectl() { cat; }\n" + text)).RootElement.GetProperty("data");
        Assert.Equal(current, Encoding.UTF8.GetString(data.GetProperty("streamsHmacKey").GetBytesFromBase64()));
        Assert.Equal(next, Encoding.UTF8.GetString(data.GetProperty("streamsHmacKey.next").GetBytesFromBase64()));
        Assert.Equal(JsonValueKind.Null, data.GetProperty("streamsHmacKey.previous").ValueKind);
    }

    [Fact]
    public async Task Vault_reads_the_files_itself()
    {
        var current = Write("streamsHmacKey");
        var text = SlotPatch.Of("vault", folder.FullName, Streams, "kv/caracal");
        Assert.DoesNotContain(current, text, StringComparison.Ordinal);
        var words = (await ShellAsync("vault() { for word in \"$@\"; do echo \"$word\"; done; }\n" + text)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["kv", "patch", "kv/caracal", $"streamsHmacKey=@{folder.FullName}/streamsHmacKey", "streamsHmacKey.next=", "streamsHmacKey.previous="], words);
    }

    [Fact]
    public async Task Variables_name_the_files_of_the_slots_that_are_there()
    {
        var previous = Write("streamsHmacKey.previous");
        Write("streamsHmacKey");
        var text = SlotPatch.Of("env", folder.FullName, Streams, null);
        Assert.DoesNotContain(previous, text, StringComparison.Ordinal);
        Assert.Equal(previous, (await ShellAsync(text + "\ncat \"$STREAMS_HMAC_KEY_PREVIOUS_FILE\"")).Trim());
        Assert.Contains("unset STREAMS_HMAC_KEY_NEXT_FILE", text, StringComparison.Ordinal);
        Assert.Equal("unset STS__DATABASE_URL_FILE", SlotPatch.Of("env", folder.FullName, RotatableClass.Find("postgres:sts")!, null));
        Assert.Throws<CommandFailure>(() => SlotPatch.Of("paper", folder.FullName, Streams, null));
    }

    private string Write(string name)
    {
        var value = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        SecretFolder.WriteOwnerOnly(Path.Combine(folder.FullName, name), Encoding.ASCII.GetBytes(value));
        return value;
    }

    private static async Task<string> ShellAsync(string script)
    {
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", script]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        return output;
    }
}
