using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Rings;

public sealed class RingReloadTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("caracal-reload-").FullName;
    private readonly SecretSource source;

    public RingReloadTests()
    {
        source = new SecretSource(new Dictionary<string, string?> { ["CARACAL_SECRETS_DIR"] = folder }, "sts", published: true);
        Write("streamsHmacKey", "s1");
        Write("auditHmacKey", "a1");
        Write("zoneKek", "k1");
        Write("metricsBearer", "m1");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    [Trait("requirement", "R136")]
    public void A_prepared_key_verifies_before_it_signs_and_the_old_one_still_verifies_after_the_roll()
    {
        var ring = source.HmacRing(SecretFiles.StreamsHmacKey, required: true)!;
        var reload = new RingReload(source);
        var old = ring.Current;
        Assert.Empty(reload.Run());

        Write("streamsHmacKey.next", "s2");
        Assert.Null(Assert.Single(reload.Run()).Rejection);
        var next = Key("s2");
        Assert.Equal(old.SecretId, ring.SecretId);
        Assert.True(ring.VerifyHex("x"u8, next.SignHex("x"u8), out var slot));
        Assert.Equal(KeySlot.Next, slot);

        Roll("streamsHmacKey", "s1", "s2");
        Assert.Single(reload.Run());
        Assert.Equal(next.SecretId, ring.SecretId);
        Assert.True(ring.VerifyHex("x"u8, old.SignHex("x"u8), out slot));
        Assert.Equal(KeySlot.Previous, slot);

        File.Delete(Path("streamsHmacKey.previous"));
        Assert.Single(reload.Run());
        Assert.False(ring.VerifyHex("x"u8, old.SignHex("x"u8), out _));
    }

    [Fact]
    public void No_reader_ever_takes_a_half_written_promotion()
    {
        var ring = source.HmacRing(SecretFiles.StreamsHmacKey, required: true)!;
        var reload = new RingReload(source);
        Write("streamsHmacKey.next", "s2");
        reload.Run();
        var prepared = reload.Held.Single(ring => ring.ClassId == KeyClass.StreamsHmac).Slots;

        Write("streamsHmacKey.previous", "s1");
        Assert.Contains("STREAMS_HMAC_KEY_PREVIOUS equals STREAMS_HMAC_KEY", Assert.Single(reload.Run()).Rejection, StringComparison.Ordinal);
        Write("streamsHmacKey", "s2");
        Assert.Contains("STREAMS_HMAC_KEY_NEXT equals STREAMS_HMAC_KEY", Assert.Single(reload.Run()).Rejection, StringComparison.Ordinal);
        Assert.True(prepared.SameAs(reload.Held.Single(ring => ring.ClassId == KeyClass.StreamsHmac).Slots));

        File.Delete(Path("streamsHmacKey.next"));
        Assert.Null(Assert.Single(reload.Run()).Rejection);
        Assert.Equal(Key("s2").SecretId, ring.SecretId);
    }

    [Theory]
    [InlineData("not hex", "must be hex-encoded")]
    [InlineData("00", "at least 32 bytes")]
    [InlineData("", "Secret file empty")]
    public void Wrong_content_keeps_the_ring_is_told_once_and_never_shows_the_value(string content, string reason)
    {
        var ring = source.HmacRing(SecretFiles.StreamsHmacKey, required: true)!;
        var reload = new RingReload(source);
        var before = ring.SecretId;

        File.WriteAllText(Path("streamsHmacKey"), content);
        var change = Assert.Single(reload.Run());
        Assert.Contains(reason, change.Rejection, StringComparison.Ordinal);
        Assert.Equal(before, ring.SecretId);
        Assert.Empty(reload.Run());

        Write("streamsHmacKey", "s3");
        Assert.Null(Assert.Single(reload.Run()).Rejection);
    }

    [Fact]
    public void A_file_that_is_gone_keeps_the_ring()
    {
        var ring = source.HmacRing(SecretFiles.StreamsHmacKey, required: true)!;
        File.Delete(Path("streamsHmacKey"));
        Assert.Equal("STREAMS_HMAC_KEY is required", Assert.Single(new RingReload(source).Run()).Rejection);
        Assert.Equal(Key("s1").SecretId, ring.SecretId);
    }

    [Fact]
    public void One_wrong_class_does_not_hold_up_another()
    {
        var streams = source.HmacRing(SecretFiles.StreamsHmacKey, required: true)!;
        var audit = source.HmacRing(SecretFiles.AuditHmacKey, required: true)!;
        var reload = new RingReload(source);
        File.WriteAllText(Path("streamsHmacKey"), "junk");
        Write("auditHmacKey", "a2");
        Assert.Equal(2, reload.Run().Count);
        Assert.Equal(Key("s1").SecretId, streams.SecretId);
        Assert.Equal(Key("a2", KeyClass.AuditHmac).SecretId, audit.SecretId);
    }

    [Fact]
    public void A_value_of_another_class_is_refused()
    {
        source.HmacRing(SecretFiles.StreamsHmacKey, required: true);
        var audit = source.HmacRing(SecretFiles.AuditHmacKey, required: true)!;
        var reload = new RingReload(source);
        Write("auditHmacKey", "s1");
        Assert.Contains("must not be the same value", Assert.Single(reload.Run()).Rejection, StringComparison.Ordinal);
        Assert.Equal(Key("a1", KeyClass.AuditHmac).SecretId, audit.SecretId);
    }

    [Fact]
    [Trait("requirement", "R27")]
    public void Sealing_keys_and_bearer_tokens_follow_their_files_too()
    {
        var keks = source.KekRing(required: true)!;
        var metrics = source.TokenRing(SecretFiles.MetricsBearer, required: true)!;
        var reload = new RingReload(source);
        var old = keks.Current;

        Roll("zoneKek", "k1", "k2");
        Roll("metricsBearer", "m1", "m2");
        Assert.Equal(2, reload.Run().Count);
        Assert.NotEqual(old.IdHex, keks.Current.IdHex);
        Assert.NotNull(keks.Find(old.Id));
        Assert.True(metrics.Verify(TestKeys.Strong("m1"), out var slot));
        Assert.Equal(KeySlot.Previous, slot);
        Assert.True(metrics.Verify(TestKeys.Strong("m2"), out slot));
        Assert.Equal(KeySlot.Current, slot);
    }

    private void Roll(string file, string old, string current)
    {
        Write(file + ".previous", old);
        Write(file, current);
        File.Delete(Path(file + ".next"));
    }

    private static HmacKey Key(string name, string classId = KeyClass.StreamsHmac) => new(classId, Convert.FromHexString(TestKeys.Strong(name)));

    private string Path(string file) => System.IO.Path.Combine(folder, file);

    private void Write(string file, string name) => File.WriteAllText(Path(file), TestKeys.Strong(name));
}
