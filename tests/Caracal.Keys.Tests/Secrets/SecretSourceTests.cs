using Caracal.Keys.Rings;
using Caracal.Keys.Secrets;

namespace Caracal.Keys.Tests.Secrets;

public sealed class SecretSourceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("caracal-secrets-").FullName;
    private readonly Dictionary<string, string?> environment = new(StringComparer.Ordinal);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    [Trait("requirement", "R13")]
    public void Finds_a_value_in_the_variable_the_file_and_the_folder_in_that_order()
    {
        environment["CARACAL_SECRETS_DIR"] = folder;
        var fromFolder = Write("streamsHmacKey", TestKeys.Strong("folder"));
        Assert.Equal(TestKeys.Strong("folder"), Find("STREAMS_HMAC_KEY")?.Value.Reveal());
        Assert.Equal(fromFolder, Find("STREAMS_HMAC_KEY")?.Path);

        environment["STREAMS_HMAC_KEY_FILE"] = Write("elsewhere", TestKeys.Strong("file") + "\n\n");
        Assert.Equal(TestKeys.Strong("file"), Find("STREAMS_HMAC_KEY")?.Value.Reveal());

        environment["STREAMS_HMAC_KEY"] = TestKeys.Strong("plain");
        var plain = Find("STREAMS_HMAC_KEY");
        Assert.Equal(TestKeys.Strong("plain"), plain?.Value.Reveal());
        Assert.Equal("env", plain?.Source);

        environment["STS__STREAMS_HMAC_KEY_FILE"] = Write("mine", TestKeys.Strong("role"));
        Assert.Equal(TestKeys.Strong("role"), Find("STREAMS_HMAC_KEY")?.Value.Reveal());
        Assert.Equal("file", Find("STREAMS_HMAC_KEY")?.Source);
    }

    [Fact]
    public void A_missing_file_an_empty_file_and_a_missing_secret_are_each_named()
    {
        environment["ZONE_KEK_FILE"] = Path.Combine(folder, "absent");
        environment["STREAMS_HMAC_KEY_FILE"] = Write("empty", " \n");
        var source = Source();
        Assert.Null(source.KekRing(required: true));
        Assert.Null(source.HmacRing(SecretFiles.StreamsHmacKey, required: true));
        Assert.Null(source.HmacRing(SecretFiles.AuditHmacKey, required: true));
        Assert.Null(source.Require("DATABASE_URL"));
        Assert.Equal(
            [
                $"Secret file unreadable: ZONE_KEK_FILE={folder}/absent",
                $"Secret file empty: STREAMS_HMAC_KEY_FILE={folder}/empty",
                "AUDIT_HMAC_KEY is required",
                "DATABASE_URL is required",
            ],
            source.Problems);
    }

    [Fact]
    public void An_optional_class_may_be_absent()
    {
        var source = Source();
        Assert.Null(source.HmacRing(SecretFiles.AuditHmacKey, required: false));
        Assert.Null(source.TokenRing(SecretFiles.StsAdminToken, required: false));
        Assert.Empty(source.Problems);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_variable_and_a_file_that_differ_are_refused_in_published_modes_only(bool published)
    {
        environment["STREAMS_HMAC_KEY"] = TestKeys.Strong("a");
        environment["STREAMS_HMAC_KEY_FILE"] = Write("b", TestKeys.Strong("b"));
        var source = Source(published);
        Assert.NotNull(source.HmacRing(SecretFiles.StreamsHmacKey, required: true));
        Assert.Equal(published ? ["STREAMS_HMAC_KEY and STREAMS_HMAC_KEY_FILE are both set and differ; set one"] : [], source.Problems);
    }

    [Fact]
    public void The_alias_of_the_key_encryption_key_is_accepted_and_must_agree()
    {
        environment["SECRET_STORE_KEK"] = TestKeys.Strong("kek");
        var source = Source();
        Assert.Equal(new Kek(Convert.FromHexString(TestKeys.Strong("kek"))).IdHex, source.KekRing(required: true)?.Current.IdHex);
        Assert.Empty(source.Problems);

        environment["ZONE_KEK"] = TestKeys.Strong("kek");
        environment["ZONE_KEK_PREVIOUS"] = TestKeys.Strong("old");
        environment["SECRET_STORE_KEK_PREVIOUS"] = TestKeys.Strong("older");
        source = Source();
        source.KekRing(required: true);
        Assert.Equal(["ZONE_KEK_PREVIOUS and SECRET_STORE_KEK_PREVIOUS are both set and differ; set one"], source.Problems);
    }

    [Fact]
    public void Slots_come_from_variables_and_from_slot_files()
    {
        environment["CARACAL_SECRETS_DIR"] = folder;
        Write("auditHmacKey", TestKeys.Strong("1"));
        Write("auditHmacKey.next", TestKeys.Strong("2"));
        Write("auditHmacKey.previous", TestKeys.Strong("3") + "\n" + TestKeys.Strong("4") + "\n");
        Write("auditHmacKey.archive", "");
        environment["AUDIT_HMAC_KEY_ARCHIVE"] = TestKeys.Strong("5") + "," + TestKeys.Strong("6");
        var source = Source();
        var keys = source.HmacRing(SecretFiles.AuditHmacKey, required: true)!.Keys;
        Assert.Empty(source.Problems);
        Assert.NotNull(keys.Next);
        Assert.Equal(2, keys.Previous.Length);
        Assert.Equal(2, keys.Archive.Length);
        Assert.Contains(Path.Combine(folder, "auditHmacKey.next"), source.WatchedPaths);
    }

    [Fact]
    public void Only_the_audit_class_has_an_archive_and_previous_is_bounded()
    {
        environment["STREAMS_HMAC_KEY"] = TestKeys.Strong("1");
        environment["STREAMS_HMAC_KEY_ARCHIVE"] = TestKeys.Strong("2");
        environment["STREAMS_HMAC_KEY_PREVIOUS"] = string.Join(',', Enumerable.Range(3, 4).Select(i => TestKeys.Strong($"{i}")));
        var source = Source();
        Assert.Empty(source.HmacRing(SecretFiles.StreamsHmacKey, required: true)!.Keys.Archive);
        Assert.Equal(["STREAMS_HMAC_KEY_PREVIOUS holds 4 values, at most 3 are allowed"], source.Problems);
    }

    [Fact]
    public void Every_bad_slot_is_reported_without_its_value()
    {
        environment["STREAMS_HMAC_KEY"] = TestKeys.Strong("1");
        environment["STREAMS_HMAC_KEY_NEXT"] = "not-hex-at-all";
        environment["STREAMS_HMAC_KEY_PREVIOUS"] = "abcd";
        environment["ZONE_KEK"] = "zz";
        var source = Source();
        Assert.Null(source.HmacRing(SecretFiles.StreamsHmacKey, required: true));
        Assert.Null(source.KekRing(required: true));
        Assert.Equal(
            [
                "STREAMS_HMAC_KEY_NEXT must be hex-encoded with at least 32 bytes",
                "STREAMS_HMAC_KEY_PREVIOUS must be hex-encoded with at least 32 bytes",
                "ZONE_KEK must be hex-encoded",
            ],
            source.Problems);
    }

    [Theory]
    [Trait("requirement", "R120")]
    [InlineData(true)]
    [InlineData(false)]
    public void Weak_keys_and_tokens_are_problems_when_published_and_warnings_in_dev(bool published)
    {
        environment["STREAMS_HMAC_KEY"] = Convert.ToHexStringLower(TestKeys.K1);
        environment["METRICS_BEARER"] = "short";
        var source = Source(published);
        Assert.NotNull(source.HmacRing(SecretFiles.StreamsHmacKey, required: true));
        Assert.NotNull(source.TokenRing(SecretFiles.MetricsBearer, required: true));
        string[] expected = ["STREAMS_HMAC_KEY must not use a sequential byte pattern", "METRICS_BEARER must carry at least 32 random bytes"];
        Assert.Equal(expected, published ? source.Problems : source.Warnings);
        Assert.Empty(published ? source.Warnings : source.Problems);
    }

    [Fact]
    [Trait("requirement", "R1")]
    public void Equal_values_are_refused_within_a_class_and_across_classes()
    {
        environment["STREAMS_HMAC_KEY"] = TestKeys.Strong("same");
        environment["STREAMS_HMAC_KEY_NEXT"] = TestKeys.Strong("same").ToUpperInvariant();
        environment["AUDIT_HMAC_KEY"] = TestKeys.Strong("other");
        environment["AUDIT_HMAC_KEY_PREVIOUS"] = TestKeys.Strong("same");
        var source = Source();
        source.HmacRing(SecretFiles.StreamsHmacKey, required: true);
        source.HmacRing(SecretFiles.AuditHmacKey, required: true);
        source.CheckDistinct();
        Assert.Equal(
            [
                "STREAMS_HMAC_KEY_NEXT equals STREAMS_HMAC_KEY",
                "STREAMS_HMAC_KEY and AUDIT_HMAC_KEY_PREVIOUS must not be the same value",
                "STREAMS_HMAC_KEY_NEXT and AUDIT_HMAC_KEY_PREVIOUS must not be the same value",
            ],
            source.Problems);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_token_that_is_the_text_of_a_key_is_refused_once(bool sameCase)
    {
        environment["STREAMS_HMAC_KEY"] = TestKeys.Strong("same");
        environment["METRICS_BEARER"] = sameCase ? TestKeys.Strong("same") : TestKeys.Strong("same").ToUpperInvariant();
        environment["CARACAL_ADMIN_TOKEN"] = environment["METRICS_BEARER"];
        var source = Source();
        source.HmacRing(SecretFiles.StreamsHmacKey, required: true);
        source.TokenRing(SecretFiles.MetricsBearer, required: true);
        source.TokenRing(SecretFiles.AdminToken, required: true);
        source.CheckDistinct();
        Assert.Equal(
            [
                "STREAMS_HMAC_KEY and METRICS_BEARER must not be the same value",
                "METRICS_BEARER and CARACAL_ADMIN_TOKEN must not be the same value",
                "STREAMS_HMAC_KEY and CARACAL_ADMIN_TOKEN must not be the same value",
            ],
            source.Problems.OrderBy(problem => problem.Contains("CARACAL", StringComparison.Ordinal)).ThenBy(problem => problem.StartsWith("STREAMS", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_token_ring_has_slots_too()
    {
        environment["CARACAL_ADMIN_TOKEN"] = TestKeys.Strong("now");
        environment["CARACAL_ADMIN_TOKEN_NEXT"] = TestKeys.Strong("soon");
        var ring = Source().TokenRing(SecretFiles.AdminToken, required: true)!;
        Assert.True(ring.Verify(TestKeys.Strong("soon"), out var slot));
        Assert.Equal(KeySlot.Next, slot);
        Assert.StartsWith("sid_", ring.Tokens.SecretId, StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_source_reads_the_files_again()
    {
        environment["CARACAL_SECRETS_DIR"] = folder;
        Write("streamsHmacKey", TestKeys.Strong("1"));
        var ring = Source().HmacRing(SecretFiles.StreamsHmacKey, required: true)!;
        Write("streamsHmacKey", TestKeys.Strong("2"));
        Write("streamsHmacKey.previous", TestKeys.Strong("1"));
        var signature = ring.SignHex("x"u8);
        ring.Replace(Source().HmacRing(SecretFiles.StreamsHmacKey, required: true)!.Keys);
        Assert.True(ring.VerifyHex("x"u8, signature, out var slot));
        Assert.Equal(KeySlot.Previous, slot);
    }

    private ResolvedSecret? Find(string variable) => Source(published: false).Find(variable);

    private SecretSource Source(bool published = true) => new(environment, "sts", published);

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, content);
        return path;
    }
}
