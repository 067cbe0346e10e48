using System.Diagnostics;
using System.Runtime.Versioning;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Secrets;

[UnsupportedOSPlatform("windows")]
public sealed class SecretFolderTests : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly string root = Directory.CreateTempSubdirectory("caracal-folder-").FullName;

    private string Folder => Path.Combine(root, "secrets");

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    [Trait("requirement", "R10")]
    public void Provisions_every_file_of_the_inventory_once()
    {
        Assert.Equal(SecretFiles.Generated.Count, SecretFolder.Provision(Folder));
        Assert.Equal(0, SecretFolder.Provision(Folder));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(Folder));
        foreach (var file in SecretFiles.Generated)
        {
            var path = Path.Combine(Folder, file.FileName);
            Assert.Equal(OwnerOnly, File.GetUnixFileMode(path));
            Assert.Matches($"^[0-9a-f]{{{file.Bytes * 2}}}$", File.ReadAllText(path));
        }

        Assert.Equal(SecretFiles.Generated.Count, SecretFiles.Generated.Select(file => File.ReadAllText(Path.Combine(Folder, file.FileName))).Distinct().Count());
    }

    [Fact]
    public void The_inventory_is_the_one_of_the_specification()
    {
        Assert.Equal(24, SecretFiles.Generated.Count); // 23 of cli.md 4.1, and the token with which a console reports.
        Assert.Equal("caracalAdminToken", SecretFiles.FileNameOf("CARACAL_ADMIN_TOKEN"));
        Assert.Equal("apiDbPassword", SecretFiles.FileNameOf("CARACAL_API_DB_PASSWORD"));
        Assert.Equal("coordinatorRedisPassword", SecretFiles.FileNameOf("CARACAL_COORDINATOR_REDIS_PASSWORD"));
        Assert.Equal("stsAdminToken", SecretFiles.FileNameOf("STS_ADMIN_TOKEN"));
        Assert.Equal("secretStoreKek", SecretFiles.FileNameOf("SECRET_STORE_KEK"));
    }

    [Fact]
    public void Fills_an_empty_file_and_never_replaces_a_full_one()
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "zoneKek"), "mine");
        File.WriteAllText(Path.Combine(Folder, "metricsBearer"), "");
        Assert.Equal(SecretFiles.Generated.Count - 1, SecretFolder.Provision(Folder));
        Assert.Equal("mine", File.ReadAllText(Path.Combine(Folder, "zoneKek")));
        Assert.Equal(64, File.ReadAllText(Path.Combine(Folder, "metricsBearer")).Length);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(Path.Combine(Folder, "metricsBearer")));
    }

    [Fact]
    public void An_existing_alias_file_is_the_key_encryption_key()
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "secretStoreKek"), TestKeys.Strong("kek"));
        SecretFolder.Provision(Folder);
        Assert.False(File.Exists(Path.Combine(Folder, "zoneKek")));
    }

    [Fact]
    [Trait("requirement", "R62")]
    public void What_was_provisioned_passes_every_rule()
    {
        SecretFolder.Provision(Folder);
        var source = new SecretSource(new Dictionary<string, string?> { ["CARACAL_SECRETS_DIR"] = Folder }, "api", published: true);
        Assert.NotNull(source.KekRing(required: true));
        Assert.NotNull(source.HmacRing(SecretFiles.AuditHmacKey, required: true));
        Assert.NotNull(source.HmacRing(SecretFiles.StreamsHmacKey, required: true));
        Assert.NotNull(source.HmacRing(SecretFiles.GatewayStsHmacKey, required: true));
        Assert.NotNull(source.HmacRing(SecretFiles.IdempotencyHmacKey, required: true));
        Assert.NotNull(source.TokenRing(SecretFiles.AdminToken, required: true));
        Assert.NotNull(source.TokenRing(SecretFiles.CoordinatorToken, required: true));
        Assert.NotNull(source.TokenRing(SecretFiles.MetricsBearer, required: true));
        source.CheckDistinct();
        Assert.Empty(source.Problems);
        Assert.Empty(source.Warnings);
    }

    [Fact]
    [Trait("requirement", "R10")]
    public void An_open_folder_of_ours_is_closed()
    {
        Directory.CreateDirectory(Folder);
        File.SetUnixFileMode(Folder, (UnixFileMode)0b111_101_101);
        SecretFolder.Prepare(Folder);
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(Folder));
    }

    [Fact]
    public void A_folder_of_another_user_is_refused()
    {
        var foreign = "/usr";
        if (Environment.UserName == "root")
        {
            foreign = Directory.CreateDirectory(Folder).FullName;
            Process.Start("chown", ["65534", foreign]).WaitForExit();
        }

        Assert.Throws<SecretFolderException>(() => SecretFolder.Prepare(foreign));
    }

    [Fact]
    public void Reading_refuses_broad_permissions_links_that_leave_and_empty_files()
    {
        Directory.CreateDirectory(Folder);
        var path = Path.Combine(Folder, "secret");
        SecretFolder.WriteOwnerOnly(path, "value\n"u8);
        Assert.Equal(OwnerOnly, File.GetUnixFileMode(path));
        Assert.Equal("value", SecretFolder.ReadOwnerOnly(path).Reveal());

        File.SetUnixFileMode(path, (UnixFileMode)0b110_100_000);
        var broad = Assert.Throws<SecretFolderException>(() => SecretFolder.ReadOwnerOnly(path));
        Assert.Equal($"secret file permissions are too broad: {path} is 0o640; make it owner-only (chmod 600)", broad.Message);

        SecretFolder.WriteOwnerOnly(path, " \n"u8);
        Assert.Throws<SecretFolderException>(() => SecretFolder.ReadOwnerOnly(path));

        var outside = Path.Combine(root, "outside");
        SecretFolder.WriteOwnerOnly(outside, "value"u8);
        var link = Path.Combine(Folder, "link");
        File.CreateSymbolicLink(link, outside);
        Assert.Throws<SecretFolderException>(() => SecretFolder.ReadOwnerOnly(link));
        Assert.Throws<SecretFolderException>(() => SecretFolder.ReadOwnerOnly(Path.Combine(Folder, "absent")));
    }
}
