using System.Text.Json;
using Caracal.Authority.Delegations;

namespace Caracal.Authority.Tests.Delegations;

public sealed class ConstraintReaderTests
{
    [Theory]
    [InlineData("""[]""", "invalid_delegation_constraint")]
    [InlineData("""{"nope":1}""", "invalid_delegation_constraint")]
    [InlineData("""{"resources":"x"}""", "invalid_resources")]
    [InlineData("""{"resources":[1]}""", "invalid_resources")]
    [InlineData("""{"resources":[""]}""", "invalid_resources")]
    [InlineData("""{"max_depth":0}""", "invalid_max_depth")]
    [InlineData("""{"max_depth":1.5}""", "invalid_max_depth")]
    [InlineData("""{"max_hops":11}""", "invalid_max_hops")]
    [InlineData("""{"max_hops":"2"}""", "invalid_max_hops")]
    [InlineData("""{"max_hops":2,"max_depth":3}""", "invalid_max_hops")]
    [InlineData("""{"budget":65}""", "invalid_budget")]
    [InlineData("""{"ttl_seconds":86401}""", "invalid_ttl_seconds")]
    [InlineData("""{"policy_approved":"true"}""", "invalid_policy_approved")]
    [InlineData("""{"expires_at":"2030-01-01T00:00:00+01:00"}""", "invalid_expires_at")]
    [InlineData("""{"expires_at":"2030-01-01T00:00Z"}""", "invalid_expires_at")]
    [InlineData("""{"broad_reason":""}""", "invalid_broad_reason")]
    [InlineData("""{"zzz":1,"budget":0}""", "invalid_budget")]
    [InlineData("""{"max_hops":null}""", "invalid_max_hops")]
    public void Refuses_with_the_first_fault(string json, string code) =>
        Assert.Equal((400, code), (Read(json).Refusal!.Status, Read(json).Refusal!.Code));

    [Theory]
    [InlineData("""{}""", null, """{}""")]
    [InlineData("""{"max_depth":3}""", null, """{"max_depth":3,"max_hops":3}""")]
    [InlineData("""{"max_hops":3}""", null, """{"max_hops":3}""")]
    [InlineData("""{}""", 60, """{"ttl_seconds":60}""")]
    [InlineData("""{"ttl_seconds":30}""", 60, """{"ttl_seconds":30}""")]
    [InlineData("""{"policy_approved":false,"resources":[],"broad_reason":"ü","expires_at":"2030-01-01T00:00:00Z","budget":5}""", null,
        """{"resources":[],"budget":5,"policy_approved":false,"expires_at":"2030-01-01T00:00:00Z","broad_reason":"ü"}""")]
    public void Normalises(string json, int? bodyTtl, string normal) => Assert.Equal(normal, Read(json, bodyTtl).Constraints!.ToJson());

    [Fact]
    public void Merges_both_spellings_and_prefers_the_newer()
    {
        var (constraints, _) = ConstraintReader.Read(Parse("""{"budget":1,"max_hops":2}"""), Parse("""{"budget":9}"""), null);
        Assert.Equal("""{"max_hops":2,"budget":9}""", constraints!.ToJson());
        Assert.Null(ConstraintReader.Read(null, null, null).Refusal);
    }

    [Fact]
    public void Takes_64_resources_and_no_more()
    {
        Assert.NotNull(Read(List(64)).Constraints);
        Assert.Equal("invalid_resources", Read(List(65)).Refusal!.Code);
    }

    [Fact]
    public void Derives_nothing_from_stored_text_it_cannot_read()
    {
        Assert.Null(ConstraintReader.TryReadStored("nonsense"));
        Assert.Null(ConstraintReader.TryReadStored("""{"other":1}"""));
        Assert.Equal(2, ConstraintReader.TryReadStored("""{"max_depth":2}""")!.Hops);
        Assert.Equal(1, ConstraintReader.TryReadStored("{}")!.Hops);
    }

    private static string List(int count) => $$"""{"resources":[{{string.Join(',', Enumerable.Range(0, count).Select(i => $"\"r{i}\""))}}]}""";

    private static (DelegationConstraints? Constraints, Protocol.Refusal? Refusal) Read(string json, int? bodyTtl = null) =>
        ConstraintReader.Read(null, Parse(json), bodyTtl);

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
