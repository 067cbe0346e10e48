using System.Text;
using Caracal.Audit.Export;
using Caracal.Storage.Ledger;

namespace Caracal.Audit.Tests.Export;

public sealed class S3ExportTests
{
    [Theory]
    [InlineData(64 * 1024 * 1024)]
    [InlineData(3000)]
    public async Task An_export_that_is_cut_off_at_any_byte_goes_on_without_gap_duplicate_or_orphan(int partBytes)
    {
        await using var server = await S3Server.StartAsync();
        server.PartBytes = partBytes;
        var orphans = 0;
        await using var ledger = await ExportedLedger.CreateAsync();
        var cuts = 0;
        while (true)
        {
            // A new export each time: the one that was cut off remembers nothing. The bytes grow, so the cut falls everywhere.
            server.BytesLeft = 2_000 + (cuts * 6_000L);
            using var target = server.Open();
            await ledger.Export(target, server.Settings).RunAsync(default);
            if ((await new ExportStore(ledger.Audit.Database).ReadAsync(ExportStore.Hourly, default)).LastHour == ledger.FirstHour.AddHours(3)) break;
            orphans += server.OpenUploads;
            Assert.True(++cuts < 60, ledger.Audit.Log[^Math.Min(1500, ledger.Audit.Log.Length)..]);
        }

        Assert.True(cuts > 2, $"cut off {cuts} times");
        Assert.Equal((partBytes == 3000, 0), (orphans > 0, server.OpenUploads));
        server.BytesLeft = long.MaxValue;
        using var whole = server.Open();
        var report = await ExportedLedger.VerifyAsync(whole, new ExportTrust { Key = Vectors.CheckpointSigner.Key, AuditKeys = Vectors.Keys });
        Assert.Equal((0, await ledger.CountAsync(), 4), (report.Findings.Count, report.Events, report.Hours));
        Assert.Equal(4 + 4 + 4 + 3, (await whole.ListAsync(default)).Count);
    }

    [Theory]
    [InlineData(64 * 1024 * 1024)]
    [InlineData(2)]
    public async Task An_object_is_never_replaced(int partBytes)
    {
        await using var server = await S3Server.StartAsync();
        server.PartBytes = partBytes;
        using var target = server.Open();

        Assert.True(await target.CreateAsync("audit/x", new MemoryStream("first"u8.ToArray()), default));
        Assert.False(await target.CreateAsync("audit/x", new MemoryStream("second"u8.ToArray()), default));

        await using var content = await target.OpenAsync("audit/x", default);
        Assert.Equal("first", await new StreamReader(content!, Encoding.UTF8).ReadToEndAsync());
        Assert.Null(await target.OpenAsync("audit/y", default));
        Assert.Equal(0, server.OpenUploads);
    }

    [Fact]
    public async Task A_bucket_that_cannot_be_used_is_an_error_and_moves_nothing()
    {
        await using var server = await S3Server.StartAsync();
        await using var ledger = await ExportedLedger.CreateAsync();
        using var target = server.Open(key: "nobody");

        await ledger.Export(target, server.Settings).RunAsync(default);

        Assert.Null((await new ExportStore(ledger.Audit.Database).ReadAsync(ExportStore.Hourly, default)).LastHour);
        Assert.Contains("export_failed", ledger.Audit.Log, StringComparison.Ordinal);
    }
}
