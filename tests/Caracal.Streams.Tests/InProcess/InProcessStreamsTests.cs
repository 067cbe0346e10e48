using System.Runtime.Versioning;
using Caracal.Protocol;
using Caracal.Streams.InProcess;

namespace Caracal.Streams.Tests.InProcess;

/// <summary>What the streams of one process keep, and what they let go.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class InProcessStreamsTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("caracal-streams-").FullName;
    private readonly StandingClock _clock = new();

    private string Folder => Path.Combine(_root, "dead-letters");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Dead_letters_outlive_the_process_with_their_ids_and_every_byte()
    {
        KeyValuePair<string, string>[] fields = [new("reason", "json_parse_error:\"\0\r\nü😀"), new("src_data", "{"), new("empty", "")];
        var first = Open();
        var ids = new List<string>();
        for (var i = 0; i < 12; i++) ids.Add(await AppendAsync(first, [.. fields, new("n", $"{i}")]));
        await first.DeleteAsync(Topics.AuditDeadLetters, ids[3], default);

        _clock.Now -= TimeSpan.FromHours(1); // a clock that was set back
        var second = Open();
        ids.RemoveAt(3);
        var entries = await second.RangeAsync(Topics.AuditDeadLetters, null, 100, default);
        Assert.Equal(ids, entries.Select(entry => entry.Id));
        Assert.Equal([.. fields, new("n", "0")], entries[0].Fields);
        Assert.Equal(11, await second.LengthAsync(Topics.AuditDeadLetters, default));

        ids.Add(await AppendAsync(second, fields));
        Assert.Equal(ids, (await Open().RangeAsync(Topics.AuditDeadLetters, null, 100, default)).Select(entry => entry.Id));
    }

    [Fact]
    public async Task Dead_letters_are_their_owners_and_one_file_each()
    {
        var streams = Open();
        var id = await AppendAsync(streams, [new("reason", "no")]);
        await streams.AppendAsync(Topics.AuditEvents, [new("data", "{}")], null, default);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Folder));
        var file = Assert.Single(Directory.GetFiles(Folder));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        await streams.DeleteAsync(Topics.AuditDeadLetters, id, default);
        await streams.DeleteAsync(Topics.AuditDeadLetters, id, default);
        Assert.Empty(Directory.GetFiles(Folder));
    }

    [Fact]
    public async Task A_dead_letter_that_cannot_be_kept_is_refused()
    {
        var streams = Open();
        var kept = await AppendAsync(streams, [new("reason", "no")]);
        Directory.Move(Folder, Folder + "-elsewhere");
        await Assert.ThrowsAsync<StreamsUnavailableException>(() => AppendAsync(streams, [new("reason", "no")]));
        Assert.Equal(1, await streams.LengthAsync(Topics.AuditDeadLetters, default));

        Directory.Move(Folder + "-elsewhere", Folder);
        var later = await AppendAsync(streams, [new("reason", "no")]);
        Assert.Equal([kept, later], (await Open().RangeAsync(Topics.AuditDeadLetters, null, 100, default)).Select(entry => entry.Id));
    }

    [Fact]
    public async Task What_a_crash_or_a_bad_disk_left_keeps_no_other_dead_letter_back()
    {
        var id = await AppendAsync(Open(), [new("reason", "no")]);
        var other = Path.Combine(Folder, "1-0.json");
        await File.WriteAllTextAsync(other, "[[\"reason\"");
        await File.WriteAllTextAsync(Path.Combine(Folder, "2-0.json.0.tmp"), "[[");

        Assert.Equal(id, Assert.Single(await Open().RangeAsync(Topics.AuditDeadLetters, null, 100, default)).Id);
        Assert.Equal(2, Directory.GetFiles(Folder).Length);
        Assert.Equal("[[\"reason\"", await File.ReadAllTextAsync(other + ".bad")); // evidence, even so
    }

    [Fact]
    public async Task An_entry_that_every_group_is_done_with_is_gone()
    {
        var streams = Open();
        foreach (var group in new[] { "a", "b" }) await streams.EnsureGroupAsync(Topics.AuditEvents, group, fromBeginning: true, shared: true, default);
        var ids = new List<string>();
        for (var i = 0; i < 10; i++) ids.Add(await streams.AppendAsync(Topics.AuditEvents, [new("n", $"{i}")], null, default));
        foreach (var group in new[] { "a", "b" }) Assert.Equal(10, (await streams.ReadAsync([Topics.AuditEvents], group, "c", 10, TimeSpan.Zero, default)).Count);

        foreach (var id in ids) await streams.AcknowledgeAsync(Topics.AuditEvents, "a", id, default);
        Assert.Equal(10, await streams.LengthAsync(Topics.AuditEvents, default));
        foreach (var id in ids[1..]) await streams.AcknowledgeAsync(Topics.AuditEvents, "b", id, default);
        Assert.Equal(ids[0], Assert.Single(await streams.RangeAsync(Topics.AuditEvents, null, 10, default)).Id);
        await streams.SettledAsync(Topics.AuditEvents, ids[5], default);

        await streams.RemoveGroupAsync(Topics.AuditEvents, "b", default);
        Assert.Equal(0, await streams.LengthAsync(Topics.AuditEvents, default));
    }

    [Fact]
    public async Task What_has_no_reader_or_a_bound_or_may_be_read_again_stays()
    {
        var streams = Open();
        await streams.AppendAsync(Topics.AuditEvents, [], null, default);
        await streams.EnsureGroupAsync(Topics.SessionsRevoke, "a", fromBeginning: true, shared: true, default);
        await streams.EnsureGroupAsync(Topics.AuditDeadLetters, "a", fromBeginning: true, shared: true, default);
        string[] settled = [await streams.AppendAsync(Topics.SessionsRevoke, [], 100, default), await AppendAsync(streams, [])];
        await streams.ReadAsync([Topics.SessionsRevoke, Topics.AuditDeadLetters], "a", "c", 10, TimeSpan.Zero, default);
        await streams.AcknowledgeAsync(Topics.SessionsRevoke, "a", settled[0], default);
        await streams.AcknowledgeAsync(Topics.AuditDeadLetters, "a", settled[1], default);
        foreach (var topic in new[] { Topics.AuditEvents, Topics.SessionsRevoke, Topics.AuditDeadLetters }) Assert.Equal(1, await streams.LengthAsync(topic, default));
    }

    private static Task<string> AppendAsync(InProcessStreams streams, KeyValuePair<string, string>[] fields) =>
        streams.AppendAsync(Topics.AuditDeadLetters, fields, null, default);

    private InProcessStreams Open() => new(_clock, Folder);

    private sealed class StandingClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 7, 12, 10, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
