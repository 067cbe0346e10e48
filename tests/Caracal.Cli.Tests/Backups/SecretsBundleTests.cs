using Caracal.Cli.Processes;

namespace Caracal.Cli.Tests.Backups;

public sealed class SecretsBundleTests
{
    [Fact]
    [Trait("requirement", "R121")]
    [Trait("requirement", "R130")]
    public async Task Secrets_go_under_a_passphrase_and_come_back_into_an_empty_folder_only()
    {
        using var files = new PrivateStack(folder: null, new Dictionary<string, string?>());
        using var operations = new Running([.. files.Variables.Where(pair => pair.Key is not ("CARACAL_HOME" or "HOME")).Select(pair => (pair.Key, pair.Value))]);
        var file = Path.Combine(operations.Home, "secrets.sealed");
        var passphrase = operations.Write("passphrase", "correct horse battery staple\n");
        Assert.Equal(0, (await operations.RunAsync("backup", "--secrets-out", file, "--passphrase-file", passphrase)).Exit);
        var key = File.ReadAllText(Path.Combine(files.Secrets, "zoneKek"));
        Assert.DoesNotContain(key, File.ReadAllText(file, System.Text.Encoding.Latin1), StringComparison.Ordinal);
        Assert.Contains("never overwritten", (await operations.RunAsync("restore", "--secrets", file, "--passphrase-file", passphrase)).Error, StringComparison.Ordinal);

        operations.Set("CARACAL_SECRETS_DIR", Path.Combine(operations.Home, "back"));
        var wrong = operations.Write("wrong", "another horse battery staple\n");
        Assert.Contains("does not open", (await operations.RunAsync("restore", "--secrets", file, "--passphrase-file", wrong)).Error, StringComparison.Ordinal);
        Assert.Equal(0, (await operations.RunAsync("restore", "--secrets", file, "--passphrase-file", passphrase)).Exit);
        Assert.Equal(key, File.ReadAllText(Path.Combine(operations.Home, "back", "zoneKek")));
    }
}
