using Caracal.Evidence.Checkpoints;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Evidence.Receipts;
using Caracal.Keys.Rings;

namespace Caracal.Evidence.Tests.Receipts;

public sealed class ReceiptTests
{
    private static readonly HmacKeyRing Keys = HmacKeyRing.Of(KeyClass.AuditHmac, [.. Enumerable.Range(0, 32).Select(value => (byte)value)]);
    private static readonly NoteSigner Signer = new("caracal", [.. Enumerable.Range(64, 32).Select(value => (byte)value)]);

    private static readonly AuditEvent Event = new()
    {
        Id = "019a0000-0000-7000-8000-0000000000a1",
        ZoneId = "z 1\"é",
        EventType = "gateway_resource_request",
        RequestId = "req-1",
        Decision = "allow",
        MetadataJson = "{\"b\":1.50,\"aa\":[true]}"u8.ToArray(),
        OccurredAt = new DateTimeOffset(2026, 7, 12, 10, 0, 0, TimeSpan.Zero).AddTicks(1_234_567),
    };

    [Fact]
    public void A_receipt_is_read_as_it_was_written_and_names_the_content_that_the_ledger_will_hold()
    {
        var given = Receipt.Of(Event, Keys.Current);
        var read = Receipt.Parse(given.ToString())!;

        Assert.Equal((Event.ZoneId, Event.Id, LedgerHash.Content(IngestParser.Parse(Event.ToUtf8()))), (read.ZoneId, read.EventId, read.ContentSha256));
        Assert.Equal((true, given.ToString()), (read.IsVouchedFor(Keys), read.ToString()));
        Assert.All(given.ToString(), c => Assert.InRange(c, ' ', '~'));
        var promise = Receipt.Parse(Receipt.Promise(Event.ZoneId, Event.Id, Keys.Current).ToString())!;
        Assert.Equal((null, true), (promise.ContentSha256, promise.IsVouchedFor(Keys)));
        Assert.Equal((null, null), (Receipt.Parse(Receipt.Promise("z1", "e1", null).ToString())!.Mac, promise.IsVouchedFor(HmacKeyRing.Of(KeyClass.AuditHmac, new byte[32]))));
    }

    [Fact]
    public void A_receipt_that_was_altered_anywhere_is_no_receipt_or_nobody_vouches_for_it()
    {
        var given = Receipt.Of(Event, Keys.Current).ToString();
        for (var i = 0; i < given.Length; i++)
        {
            var altered = given[..i] + (given[i] == 'A' ? 'B' : 'A') + given[(i + 1)..];
            if (Receipt.Parse(altered) is { } read) Assert.True(read.IsVouchedFor(Keys) is false or null || read == Receipt.Parse(given)! || Same(read, given), altered);
        }

        Assert.False((Receipt.Parse(given)! with { ContentSha256 = null }).IsVouchedFor(Keys));
        Assert.False((Receipt.Parse(given)! with { Mac = null }).IsVouchedFor(Keys));

        // The last bits of base64 mean nothing.
        static bool Same(Receipt read, string given) => Receipt.Parse(given)!.Mac!.AsSpan().SequenceEqual(read.Mac) && Receipt.Parse(given)!.ContentSha256 == read.ContentSha256;
    }

    [Theory]
    [InlineData("")]
    [InlineData("zone=\"z1\"")]
    [InlineData("zone=\"z1\", event=\"\"")]
    [InlineData("zone=\"z\"1\", event=\"e1\"")]
    [InlineData("zone=\"z1\", event=\"e1\", sha256=:AAAA:")]
    [InlineData("zone=\"z1\", event=\"e1\", sha256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA:")]
    [InlineData("zone=\"z1\", event=\"e1\", kid=\"e1b7708d5e844531\"")]
    [InlineData("zone=\"z1\", event=\"e1\"\nzone=\"z2\", event=\"e1\"")]
    public void What_is_no_receipt_is_none(string text) => Assert.Null(Receipt.Parse(text));

    [Fact]
    public async Task A_proof_is_taken_only_of_the_receipts_event_in_a_tree_that_the_key_signed()
    {
        var entry = IngestParser.Parse(Event.ToUtf8());
        var tree = new Leaves([.. Enumerable.Range(0, 7).Select(i => LedgerHash.Content(entry with { Id = $"e{i}" })), LedgerHash.Content(entry)]);
        var proof = await ProofAsync(tree, entry, 7, Event.ZoneId);
        var receipt = Receipt.Of(Event, Keys.Current);
        var promise = Receipt.Promise(Event.ZoneId, Event.Id, Keys.Current);

        Assert.Null(proof.Refuse(receipt, Signer.Key));
        Assert.Null(proof.Refuse(promise, Signer.Key));
        Assert.Equal("content_mismatch", proof.Refuse(receipt with { ContentSha256 = LedgerHash.Content(entry with { Decision = "deny" }) }, Signer.Key)!.Word);
        Assert.Equal("content_mismatch", (proof with { Entry = entry with { Id = "other" } }).Refuse(promise, Signer.Key)!.Word);
        Assert.Equal("content_mismatch", (proof with { Entry = entry with { Decision = "deny" } }).Refuse(promise, Signer.Key)!.Word);
        Assert.Equal("content_mismatch", (proof with { Entry = null }).Refuse(promise, Signer.Key)!.Word);
        Assert.Equal("content_mismatch", proof.Refuse(receipt with { EventId = "other" }, Signer.Key)!.Word);
        Assert.Equal("content_mismatch", (proof with { Entry = entry with { Id = "other" } }).Refuse(receipt with { EventId = "other" }, Signer.Key)!.Word);
        Assert.Equal("content_mismatch", (proof with { Entry = null }).Refuse(receipt, Signer.Key)!.Word);
        Assert.Equal("proof_invalid", (proof with { LeafIndex = 6 }).Refuse(receipt, Signer.Key)!.Word);
        Assert.Equal("proof_invalid", (proof with { TreeSize = 9 }).Refuse(receipt, Signer.Key)!.Word);
        Assert.Equal("checkpoint_mismatch", proof.Refuse(receipt, new NoteSigner("caracal", new byte[32]).Key)!.Word);
        Assert.Equal("checkpoint_mismatch", (await ProofAsync(tree, entry, 7, "z2")).Refuse(receipt, Signer.Key)!.Word);
    }

    private static async Task<ReceiptProof> ProofAsync(Leaves tree, LedgerEntry entry, long index, string zone)
    {
        var prover = new MerkleProver(tree);
        var root = await prover.RootAsync(tree.Count, default);
        return new ReceiptProof
        {
            LeafIndex = index,
            TreeSize = tree.Count,
            ContentSha256 = LedgerHash.Content(entry),
            Hashes = await prover.InclusionAsync(index, tree.Count, default),
            Note = SignedNote.Sign(new Checkpoint(Checkpoint.OriginOf("caracal", zone), tree.Count, root).Text, Signer, DateTimeOffset.UnixEpoch),
            Entry = entry,
        };
    }

    private sealed class Leaves(IReadOnlyList<string> contents) : ITreeNodes
    {
        public int Count => contents.Count;

        public Task<IReadOnlyList<byte[]>> ReadAsync(int level, long first, int count, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<byte[]>>([.. contents.Skip((int)first).Take(count).Select(MerkleTree.LeafHash)]);
    }
}
