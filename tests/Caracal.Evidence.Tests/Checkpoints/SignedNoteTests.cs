using Caracal.Evidence.Checkpoints;

namespace Caracal.Evidence.Tests.Checkpoints;

public sealed class SignedNoteTests
{
    // The example that comes with the format's first implementation.
    private const string Key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    private const string Seed = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
    private const string Text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    private const string Note = Text + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    [Fact]
    public void The_example_of_the_format_opens_and_is_made_again_byte_for_byte()
    {
        var key = NoteKey.Parse(Key)!;
        Assert.Equal(Key, key.ToString());
        Assert.True(SignedNote.Parse(Note)!.IsSignedBy(key));

        var signer = new NoteSigner("PeterNeumann", Convert.FromBase64String(Seed));
        Assert.Equal(key, signer.Key);
        Assert.Equal(Note, SignedNote.Sign(Text, signer, default));
    }

    [Theory]
    [InlineData("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")]
    [InlineData("PeterNeumann+c74f20a3+AhpcQ")]
    [InlineData("PeterNeumann")]
    [InlineData("")]
    public void Keys_that_are_none_are_refused(string text) => Assert.Null(NoteKey.Parse(text));

    [Theory]
    [InlineData("problem is", "problem was")]
    [InlineData("x08go/ZJ", "x08go/ZK")]
    [InlineData("x08go", "x08gp")]
    [InlineData("PeterNeumann x", "Somebody x")]
    public void A_changed_note_is_not_signed(string from, string to)
    {
        var changed = Note.Replace(from, to, StringComparison.Ordinal);
        Assert.NotEqual(Note, changed);
        Assert.False(SignedNote.Parse(changed)?.IsSignedBy(NoteKey.Parse(Key)!) ?? false);
    }

    [Theory]
    [InlineData("no signature\n")]
    [InlineData("text\n\n- dash instead of em dash AAAAAAAA\n")]
    [InlineData("text\n\n— name notbase64!\n")]
    [InlineData("text\n\n— name AAAA")]
    [InlineData("te\txt\n\n— name AAAAAAAA\n")]
    public void What_is_no_note_is_refused(string note) => Assert.Null(SignedNote.Parse(note));

    [Fact]
    public void A_wrong_signature_in_the_keys_name_spoils_the_note_beside_a_right_one()
    {
        var wrong = Note + Note.Split('\n')[^2].Replace("/ZJ", "/ZK", StringComparison.Ordinal) + "\n";
        Assert.False(SignedNote.Parse(wrong)!.IsSignedBy(NoteKey.Parse(Key)!));
    }

    [Fact]
    public void A_checkpoint_opens_for_its_own_zone_and_key_only()
    {
        var signer = new NoteSigner("caracal", [.. Enumerable.Range(0, 32).Select(i => (byte)i)]);
        var other = new NoteSigner("caracal", [.. Enumerable.Range(1, 32).Select(i => (byte)i)]);
        var checkpoint = new Checkpoint(Checkpoint.OriginOf("caracal", "z 1"), 5, MerkleTree.EmptyRoot);
        var note = SignedNote.Sign(checkpoint.Text, signer, default);

        Assert.StartsWith("caracal/z%201\n5\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— caracal ", note, StringComparison.Ordinal);
        Assert.Equal(checkpoint, Checkpoint.Open(note, signer.Key, "caracal/z%201"));
        Assert.Null(Checkpoint.Open(note, signer.Key, "caracal/z2"));
        Assert.Null(Checkpoint.Open(note, other.Key, "caracal/z%201"));
        Assert.Null(Checkpoint.Parse("caracal/z1\n05\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"));
    }

    [Fact]
    public void A_witness_signs_the_text_together_with_its_time()
    {
        var witness = new NoteSigner("witness.example", [.. Enumerable.Repeat((byte)7, 32)], NoteKey.Cosignature);
        var line = witness.SignatureLine(Text, DateTimeOffset.FromUnixTimeSeconds(1_783_850_400));
        var note = SignedNote.Parse(Note + line + "\n")!;

        Assert.True(note.IsSignedBy(witness.Key) && note.IsSignedBy(NoteKey.Parse(Key)!));
        Assert.Equal(NoteKey.Parse(witness.Key.ToString()), witness.Key);
        Assert.False((note with { Text = Text + "more\n" }).IsSignedBy(witness.Key));
    }
}
