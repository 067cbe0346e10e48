using System.Text.Json.Nodes;
using Caracal.ControlPlane.ScheduledRotations;
using Caracal.Keys.Backups;
using Caracal.Keys.Rings;

namespace Caracal.ControlPlane.Tests;

public sealed class FinishedBackupsTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly KekRing Ours = KekRing.Of([.. Enumerable.Range(1, 32).Select(i => (byte)i)]);
    private static readonly KekRing Others = KekRing.Of([.. Enumerable.Range(2, 32).Select(i => (byte)i)]);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-bundles-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void A_file_that_is_no_whole_bundle_of_ours_is_no_backup()
    {
        Put("notes.txt", "anything"u8.ToArray());
        Put("empty.tar.gz.sealed", []);
        Put("half.tar.gz.sealed", Bundle(Now)[..^1]);
        Put("changed.tar.gz.sealed", [.. Bundle(Now)[..^1], 0xFF]);
        Put("others.tar.gz.sealed", Bundle(Now, Others));
        Put("future.tar.gz.sealed", Bundle(Now.AddHours(1)));
        Put("whole.tar.gz.sealed.unfinished", Bundle(Now));
        Put("other-kind.sealed", Seal(new JsonObject { ["taken_at"] = "2026-03-01T11:00:00.000Z" }, Ours));

        Assert.Null(Backups(folder.FullName).NewestTakenAt());
        Assert.Null(Backups(Path.Combine(folder.FullName, "half.tar.gz.sealed")).NewestTakenAt());
        Assert.Null(Backups(Path.Combine(folder.FullName, "missing")).NewestTakenAt());
    }

    [Fact]
    public void The_newest_whole_bundle_counts_by_the_time_it_states_not_by_that_of_its_file()
    {
        var backups = Backups(folder.FullName);
        Put("old.tar.gz.sealed", Bundle(Now.AddDays(-3)));
        Assert.Equal(Now.AddDays(-3), backups.NewestTakenAt());
        Put("new.tar.gz.sealed", Bundle(Now.AddHours(-2)));
        Put("newest-is-cut.tar.gz.sealed", Bundle(Now.AddHours(-1))[..^1]);
        File.SetLastWriteTimeUtc(Path.Combine(folder.FullName, "new.tar.gz.sealed"), Now.UtcDateTime.AddDays(-30));
        Assert.Equal(Now.AddHours(-2), backups.NewestTakenAt());
        Assert.Equal(Now.AddHours(-2), backups.NewestTakenAt());

        File.Delete(Path.Combine(folder.FullName, "new.tar.gz.sealed"));
        Assert.Equal(Now.AddDays(-3), backups.NewestTakenAt());
    }

    private static FinishedBackups Backups(string place) => new(place, Ours, new FixedTime());

    private static byte[] Bundle(DateTimeOffset takenAt, KekRing? ring = null) => Seal(
        new JsonObject { ["version"] = 2, ["taken_at"] = $"{takenAt.UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffZ}", ["product"] = "test", ["engine"] = "sqlite", ["kek_ids"] = new JsonObject() },
        ring ?? Ours);

    private static byte[] Seal(JsonObject description, KekRing ring)
    {
        using var target = new MemoryStream();
        using (var archive = SealedArchive.Create(target, ring, description)) archive.Write(new byte[100_000]);
        return target.ToArray();
    }

    private void Put(string name, byte[] content) => File.WriteAllBytes(Path.Combine(folder.FullName, name), content);

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
