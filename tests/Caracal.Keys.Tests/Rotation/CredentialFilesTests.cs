using System.Text;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Rotation;

public sealed class CredentialFilesTests : IDisposable
{
    private const string Old = "postgres://caracalsts_a:one-password-of-tests@db/caracal";
    private const string New = "postgres://caracalsts_b:other-password-of-tests@db/caracal";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("caracal-entries-");
    private readonly CredentialFiles files;

    public CredentialFilesTests()
    {
        Write("stsDatabaseUrl", Old);
        files = new CredentialFiles(folder.FullName, RotatableClass.Find("postgres:sts")!);
    }

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void Goes_there_and_back_with_each_step_done_twice()
    {
        Assert.Equal(CredentialRing.Unversioned, files.CurrentId);
        var id = files.Stage(New, DateTimeOffset.UnixEpoch);
        Assert.Matches("^ver_[0-9a-f]{16}$", id);
        Assert.Equal((New, id), (files.Next, files.NextId));

        for (var i = 0; i < 2; i++) files.Promote(id);
        Assert.Equal((New, id, null, Old, CredentialRing.Unversioned), (files.Current, files.CurrentId, files.Next, files.Previous, files.PreviousId));

        for (var i = 0; i < 2; i++) files.Restore(CredentialRing.Unversioned);
        Assert.Equal((Old, CredentialRing.Unversioned, null, New, id), (files.Current, files.CurrentId, files.Next, files.Previous, files.PreviousId));

        files.Retire();
        Assert.Null(files.Previous);
        Assert.All(folder.EnumerateFiles(), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, file.UnixFileMode));
        Assert.DoesNotContain("password", File.ReadAllText(Path.Combine(folder.FullName, "stsDatabaseUrl.versions.jsonl")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Finishes_a_promotion_that_was_killed_between_two_writes(int writes)
    {
        var id = files.Stage(New, DateTimeOffset.UnixEpoch);
        if (writes > 0) Write("stsDatabaseUrl.previous", Old);
        if (writes > 1) Write("stsDatabaseUrl.previous.id", CredentialRing.Unversioned);
        if (writes > 2) Write("stsDatabaseUrl", New);

        files.Promote(id);

        Assert.Equal((New, id, Old, CredentialRing.Unversioned, null), (files.Current, files.CurrentId, files.Previous, files.PreviousId, files.Next));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Finishes_a_way_back_that_was_killed_between_two_writes(int writes)
    {
        var id = files.Stage(New, DateTimeOffset.UnixEpoch);
        files.Promote(id);
        if (writes > 0) Write("stsDatabaseUrl.next", New);
        if (writes > 1) Write("stsDatabaseUrl.next.id", id);
        if (writes > 2) Write("stsDatabaseUrl", Old);
        if (writes > 3) Write("stsDatabaseUrl.previous.id", id);
        if (writes > 4) Write("stsDatabaseUrl.previous", New);

        files.Restore(CredentialRing.Unversioned);

        Assert.Equal((Old, CredentialRing.Unversioned, New, id, null), (files.Current, files.CurrentId, files.Previous, files.PreviousId, files.Next));
    }

    [Fact]
    public void A_reload_reports_ids_and_takes_a_new_address_whether_a_rotation_or_a_person_wrote_it()
    {
        var source = Source(out var ring);
        var reload = new RingReload(source);
        var taken = new List<string>();
        ring.Changed = url =>
        {
            taken.Add(url.Reveal());
            return Task.FromResult(true);
        };

        var id = files.Stage(New, DateTimeOffset.UnixEpoch);
        Assert.Equal(id, Assert.Single(reload.Run()).Slots.Next);
        files.Promote(id);
        var change = Assert.Single(reload.Run());
        Assert.Equal((id, CredentialRing.Unversioned), (change.Slots.Current, Assert.Single(change.Slots.Previous)));
        Assert.Equal([New], taken);

        Write("stsDatabaseUrl", "nonsense-of-a-person");
        Assert.Equal("DATABASE_URL must be a URL", Assert.Single(reload.Run()).Rejection);
        Write("stsDatabaseUrl", Old);
        Assert.Null(Assert.Single(reload.Run()).Rejection);
        Assert.Equal([New, Old], taken);
        Assert.Empty(reload.Run());
    }

    [Fact]
    public void An_address_is_told_of_as_current_when_everything_enters_with_it_and_not_before()
    {
        var source = Source(out var ring);
        var moves = new List<TaskCompletionSource<bool>>();
        ring.Changed = _ =>
        {
            moves.Add(new TaskCompletionSource<bool>());
            return moves[^1].Task;
        };
        var reload = new RingReload(source);
        var moved = 0;
        reload.Moved = () => moved++;

        var id = files.Stage(New, DateTimeOffset.UnixEpoch);
        reload.Run();
        Assert.Equal((CredentialRing.Unversioned, id, ""), Told());
        files.Promote(id);
        Assert.Equal(id, Assert.Single(reload.Run()).Slots.Current);
        Assert.Equal(New, ring.Current.Reveal());
        Assert.Equal((CredentialRing.Unversioned, null, id), Told());
        Assert.Empty(reload.Run());

        // What is staged while it moves is told of; it does not make the other one current.
        var next = files.Stage(Old + "0", DateTimeOffset.UnixEpoch);
        reload.Run();
        Assert.Equal((CredentialRing.Unversioned, next, id), Told());
        Assert.Equal(0, moved);
        moves[0].SetResult(true);
        Assert.Equal(1, moved);
        Assert.Equal((id, next, ""), Told());

        // Back before all has moved: until all is back, some may still enter with the one between.
        files.Promote(next);
        reload.Run();
        files.Restore(id);
        reload.Run();
        Assert.Equal(3, moves.Count);
        moves[1].SetResult(false);
        Assert.Equal((id, null, next), Told());
        moves[2].SetResult(true);
        Assert.Equal((id, null, ""), Told());
        Assert.Equal(2, moved);

        // By hand, to one that lets nobody in: it keeps its id and the next rotation is told of, which is the way out.
        Write("stsDatabaseUrl", New + "1");
        reload.Run();
        Assert.Equal((id, null, ""), Told());
        var last = files.Stage(Old + "2", DateTimeOffset.UnixEpoch);
        reload.Run();
        Assert.Equal((id, last, ""), Told());

        (string, string?, string) Told() => Assert.Single(reload.Held) is var held ? (held.Slots.Current, held.Slots.Next, string.Join(',', held.Entering)) : default;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_promotion_that_was_killed_between_two_writes_can_be_taken_back_and_is_no_mere_stage(int writes)
    {
        var id = files.Stage(New, DateTimeOffset.UnixEpoch);
        Assert.True(files.IsOnlyStaged(id));
        Write("stsDatabaseUrl.previous", Old);
        if (writes > 1) Write("stsDatabaseUrl.previous.id", CredentialRing.Unversioned);
        if (writes > 2) Write("stsDatabaseUrl", New);

        Assert.Equal(writes < 3, files.IsOnlyStaged(id));
        Assert.Equal(writes < 3 ? CredentialRing.Unversioned : id, files.CurrentId);
        Assert.Equal(files.CurrentId, Assert.Single(new RingReload(Source(out _)).Held).Slots.Current);
        if (writes < 3) return;
        files.Restore(CredentialRing.Unversioned);
        Assert.Equal((Old, CredentialRing.Unversioned, null, New, id), (files.Current, files.CurrentId, files.Next, files.Previous, files.PreviousId));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void What_a_way_back_that_was_killed_has_in_hands_is_no_mere_stage(int writes)
    {
        var id = files.Stage(New, DateTimeOffset.UnixEpoch);
        files.Promote(id);
        Write("stsDatabaseUrl.next", New);
        Write("stsDatabaseUrl.next.id", id);
        if (writes > 1) Write("stsDatabaseUrl", Old);
        if (writes > 2) Write("stsDatabaseUrl.previous.id", id);
        if (writes > 2) Write("stsDatabaseUrl.previous", New);
        if (writes > 3) Write("stsDatabaseUrl.id", CredentialRing.Unversioned);

        Assert.False(files.IsOnlyStaged(id));
        files.Restore(CredentialRing.Unversioned);
        Assert.Equal((Old, CredentialRing.Unversioned, null, New, id), (files.Current, files.CurrentId, files.Next, files.Previous, files.PreviousId));
    }

    private SecretSource Source(out CredentialRing ring)
    {
        var source = new SecretSource(new Dictionary<string, string?>(StringComparer.Ordinal) { ["CARACAL_SECRETS_DIR"] = folder.FullName }, "sts", published: false);
        ring = source.Credential("DATABASE_URL", "stsDatabaseUrl", "postgres:sts", url => url.StartsWith("postgres://", StringComparison.Ordinal) ? null : "must be a URL")!;
        return source;
    }

    private void Write(string name, string text) => SecretFolder.WriteOwnerOnly(Path.Combine(folder.FullName, name), Encoding.UTF8.GetBytes(text));
}
