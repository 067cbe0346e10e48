using System.Runtime.Versioning;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Secrets;

[UnsupportedOSPlatform("windows")]
public sealed class SecretFileAccessTests : IDisposable
{
    private const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Open = (UnixFileMode)0b111_101_101;

    private readonly string folder = Directory.CreateTempSubdirectory("caracal-access-").FullName;

    private string Secret => Path.Combine(folder, "streamsHmacKey");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("600", true)]
    [InlineData("400", true)]
    [InlineData("444", true)]
    [InlineData("640", true)]
    [InlineData("620", false)]
    [InlineData("602", false)]
    [InlineData("666", false)]
    public void A_file_that_others_may_change_is_a_problem_that_names_path_mode_and_fix(string mode, bool fine)
    {
        Write(mode);
        var problem = SecretFileAccess.Problem(Secret);
        Assert.Equal(fine, problem is null);
        if (!fine) Assert.Equal($"{Secret} is 0o{mode}: other users may change it; chmod go-w", problem);
    }

    [Fact]
    public void A_folder_that_others_may_write_is_a_problem_unless_it_is_sticky()
    {
        Write("600");
        File.SetUnixFileMode(folder, Open | UnixFileMode.OtherWrite);
        Assert.Contains("other users may replace it", SecretFileAccess.Problem(Secret), StringComparison.Ordinal);

        // The root of a Kubernetes secret volume.
        File.SetUnixFileMode(folder, Open | UnixFileMode.OtherWrite | UnixFileMode.StickyBit);
        Assert.Null(SecretFileAccess.Problem(Secret));
    }

    [Fact]
    public void A_link_is_judged_by_the_file_it_leads_to_and_by_the_folder_it_lies_in()
    {
        Write("666");
        var other = Directory.CreateDirectory(Path.Combine(folder, "links"));
        var link = Path.Combine(other.FullName, "key");
        File.CreateSymbolicLink(link, Secret);
        Assert.Contains("may change it", SecretFileAccess.Problem(link), StringComparison.Ordinal);

        Write("600");
        Assert.Null(SecretFileAccess.Problem(link));
        File.SetUnixFileMode(other.FullName, Open | UnixFileMode.GroupWrite);
        Assert.Contains("may replace it", SecretFileAccess.Problem(link), StringComparison.Ordinal);
    }

    [Fact]
    public void A_readable_file_is_a_warning_only_where_no_folder_above_is_closed()
    {
        Write("444");
        File.SetUnixFileMode(folder, Closed);
        Assert.Null(SecretFileAccess.Warning(Secret));
        File.SetUnixFileMode(folder, Open);
        Assert.EndsWith("every user of this machine can read it; chmod 600", SecretFileAccess.Warning(Secret), StringComparison.Ordinal);
        Write("440");
        Assert.Null(SecretFileAccess.Warning(Secret));
    }

    [Fact]
    public void What_is_not_there_is_nobodys_problem()
    {
        Assert.Null(SecretFileAccess.Problem(Path.Combine(folder, "absent")));
        Assert.Null(SecretFileAccess.Warning(Path.Combine(folder, "absent")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_service_refuses_a_secret_that_others_may_change_and_dev_warns(bool published)
    {
        File.WriteAllText(Secret, TestKeys.Strong("k"));
        Write("666");
        var source = new SecretSource(
            new Dictionary<string, string?>(StringComparer.Ordinal) { ["CARACAL_SECRETS_DIR"] = folder }, "sts", published);
        Assert.NotNull(source.HmacRing(SecretFiles.StreamsHmacKey, required: true));
        Assert.Single(published ? source.Problems : source.Warnings, text => text.StartsWith("Secret file ", StringComparison.Ordinal));
        Assert.Empty(published ? source.Warnings : source.Problems);
        Assert.DoesNotContain(TestKeys.Strong("k"), string.Concat(source.Problems.Concat(source.Warnings)), StringComparison.Ordinal);
    }

    private void Write(string mode)
    {
        if (!File.Exists(Secret)) File.WriteAllText(Secret, "x");
        File.SetUnixFileMode(Secret, (UnixFileMode)Convert.ToInt32(mode, 8));
    }
}
