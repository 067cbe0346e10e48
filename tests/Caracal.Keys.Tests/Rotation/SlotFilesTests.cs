using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Rotation;

public sealed class SlotFilesTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-slots-");

    public SlotFilesTests() => SecretFolder.Provision(folder.FullName);

    public static TheoryData<string> Classes => [.. RotatableClass.All.Where(known => SecretFiles.Generated.Any(file => file.Variable == known.Variable)).Select(known => known.Id)];

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Classes))]
    public void Takes_every_class_there_and_back_with_each_step_done_twice(string classId)
    {
        var files = Files(classId);
        var old = files.Current!;
        var fresh = files.Stage(Now);
        Assert.Equal(fresh, files.Stage(Now));
        Assert.NotEqual(old, fresh);
        Assert.Equal((old, fresh, 0), (files.Current, files.Next, files.Previous.Count));

        for (var i = 0; i < 2; i++) files.Promote(fresh);
        Assert.Equal((fresh, null, old), (files.Current, files.Next, Assert.Single(files.Previous)));

        for (var i = 0; i < 2; i++) files.Restore(old);
        Assert.Equal((old, null, fresh), (files.Current, files.Next, Assert.Single(files.Previous)));

        for (var i = 0; i < 2; i++) files.Retire(fresh);
        Assert.Equal((old, 0), (files.Current, files.Previous.Count));
        Assert.All(folder.EnumerateFiles(), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, file.UnixFileMode));
    }

    [Fact]
    public async Task Two_that_change_one_folder_at_a_time_lose_no_value()
    {
        for (var round = 0; round < 20; round++)
        {
            var old = Files(KeyClass.StreamsHmac).Current!;
            var fresh = Files(KeyClass.StreamsHmac).Stage(Now);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Files(KeyClass.StreamsHmac).Promote(fresh))));

            var files = Files(KeyClass.StreamsHmac);
            Assert.Equal((fresh, null, old), (files.Current, files.Next, Assert.Single(files.Previous)));
            files.Retire(old);
        }
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_named()
    {
        var refused = Assert.Throws<SecretFolderException>(() => FolderLock.Take(Path.Combine(folder.FullName, "missing")));

        Assert.Contains("missing cannot be written by this process", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Finishes_a_promotion_that_was_killed_between_any_two_writes()
    {
        var path = Path.Combine(folder.FullName, "streamsHmacKey");
        var files = Files(KeyClass.StreamsHmac);
        var (oldText, old) = (File.ReadAllText(path), files.Current!);
        var fresh = files.Stage(Now);
        var newText = File.ReadAllText(path + ".next");

        SecretFolder.WriteOwnerOnly(path + ".previous", System.Text.Encoding.ASCII.GetBytes(oldText));
        files.Promote(fresh);
        Assert.Equal((fresh, null, old), (files.Current, files.Next, Assert.Single(files.Previous)));

        SecretFolder.WriteOwnerOnly(path + ".next", System.Text.Encoding.ASCII.GetBytes(newText));
        files.Promote(fresh);
        Assert.Equal((fresh, null, old), (files.Current, files.Next, Assert.Single(files.Previous)));

        // Going back: both values in previous, the new one still current.
        SecretFolder.WriteOwnerOnly(path + ".previous", System.Text.Encoding.ASCII.GetBytes($"{newText}\n{oldText}"));
        files.Restore(old);
        Assert.Equal((old, fresh), (files.Current, Assert.Single(files.Previous)));
    }

    [Fact]
    public void Keeps_what_history_needs_where_nothing_else_reads_it()
    {
        foreach (var (classId, suffix) in ((string, string)[])[(KeyClass.AuditHmac, ".archive"), (KeyClass.ZoneKek, ".escrow"), (KeyClass.StreamsHmac, "")])
        {
            var files = Files(classId);
            var path = Path.Combine(folder.FullName, RotatableClass.Find(classId)!.FileName);
            var (oldText, old) = (File.ReadAllText(path), files.Current!);
            files.Promote(files.Stage(Now));
            files.Retire(old);
            Assert.False(File.Exists(path + ".previous"));
            if (suffix.Length > 0) Assert.Equal(oldText, File.ReadAllText(path + suffix));
            else Assert.DoesNotContain(folder.EnumerateFiles(), file => File.ReadAllText(file.FullName).Contains(oldText, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Refuses_to_promote_what_is_not_staged_and_to_forget_a_previous_value()
    {
        var files = Files(KeyClass.AdminToken);
        Assert.Throws<SecretFolderException>(() => files.Promote("sid_0000000000000000"));
        Assert.Throws<SecretFolderException>(() => files.Restore("sid_0000000000000000"));
        for (var i = 0; i < 3; i++) files.Promote(files.Stage(Now));
        var fourth = files.Stage(Now);
        Assert.Throws<SecretFolderException>(() => files.Promote(fourth));
        files.Discard("sid_0000000000000000");
        Assert.Equal(fourth, files.Next);
    }

    private SlotFiles Files(string classId) => new(folder.FullName, RotatableClass.Find(classId)!);
}
