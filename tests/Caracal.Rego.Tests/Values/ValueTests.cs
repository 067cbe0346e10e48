using System.Buffers;
using System.Text;
using Caracal.Rego;
using FsCheck;
using FsCheck.Fluent;

namespace Caracal.Rego.Tests.Values;

public class ValueTests
{
    [Fact]
    public void Types_sort_in_the_languages_order() =>
        Assert.Equal(
            "[null,false,true,1,1.5,\"a\",\"b\",[2],{\"k\":1},[0]]",
            Policy.Value("sort({\"b\", 1, null, [2], {\"k\": 1}, true, \"a\", 1.5, {0}, false})"));

    [Fact]
    public void Strings_sort_by_code_point()
    {
        Assert.True(RegoValue.String("\uFFFD") < RegoValue.String("\U0001F600"));
        Assert.True(RegoValue.String("a") < RegoValue.String("ab"));
        Assert.True(RegoValue.String("") < RegoValue.String("\0"));
    }

    [Fact]
    public void Keys_become_text_in_json() =>
        Assert.Equal("{\"1\":\"a\",\"[\\\"x\\\"]\":\"c\",\"null\":\"b\"}", Policy.Value("{1: \"a\", null: \"b\", {\"x\"}: \"c\"}"));

    [Fact]
    public void Positions_count_code_points()
    {
        Assert.Equal("1", Policy.Value("count(\"😀\")"));
        Assert.Equal("\"😀\"", Policy.Value("substring(\"a😀b\", 1, 1)"));
        Assert.Equal("2", Policy.Value("indexof(\"a😀b\", \"b\")"));
        Assert.Equal("\"b😀a\"", Policy.Value("strings.reverse(\"a😀b\")"));
    }

    [Theory]
    [InlineData("set()", "set()")]
    [InlineData("{}", "{}")]
    [InlineData("{1, 2}", "{1, 2}")]
    [InlineData("[\"a\", {\"k\": null}]", "[\"a\", {\"k\": null}]")]
    [InlineData("{\"l\": 2, \"k\": 1}", "{\"k\": 1, \"l\": 2}")]
    public void Text_form_is_the_languages_own(string expression, string expected) =>
        Assert.Equal(expected, Policy.Compile("package t\np := sprintf(\"%v\", [" + expression + "])").Ask("data.t.p").Value!.AsString());

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[1,]")]
    [InlineData("1 2")]
    [InlineData("{\"a\":1e999999}")]
    public void What_is_no_json_is_refused(string text) => Assert.Throws<FormatException>(() => RegoValue.FromJson(text));

    [Fact]
    public void Json_deeper_than_128_levels_is_refused()
    {
        RegoValue.FromJson(new string('[', 128) + new string(']', 128));
        Assert.Throws<FormatException>(() => RegoValue.FromJson(new string('[', 129) + new string(']', 129)));
    }

    [Fact]
    public void The_last_of_two_equal_keys_wins() => Assert.Equal("{\"a\":2}", RegoValue.FromJson("{\"a\":1,\"a\":2}").ToJson());

    [Fact]
    public void Json_goes_out_as_utf8()
    {
        var buffer = new ArrayBufferWriter<byte>();
        RegoValue.FromUtf8Json("{\"é\":[\"😀\",1.50]}"u8).WriteUtf8Json(buffer);
        Assert.Equal("{\"é\":[\"😀\",1.5]}", Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    [Fact]
    public void Large_objects_and_sets_find_every_key()
    {
        var builder = new RegoObjectBuilder();
        for (var i = 0; i < 5_000; i++) builder.Add($"k{i}", RegoValue.Number(i));
        var value = builder.Build();
        Assert.Equal(5_000, value.Count);
        for (var i = 0; i < 5_000; i++)
        {
            Assert.True(value.TryGet($"k{i}", out var found));
            Assert.True(found.TryGetInt64(out var n) && n == i);
        }

        Assert.False(value.TryGet("k5000", out _));
    }

    [Fact]
    public void Json_round_trips() => Check.QuickThrowOnFailure(Prop.ForAll(Arbitrary(), value => RegoValue.FromJson(value.ToJson()).Equals(value)));

    [Fact]
    public void Order_is_total_and_agrees_with_equality() =>
        Check.QuickThrowOnFailure(Prop.ForAll(Arbitrary(), Arbitrary(), Arbitrary(), (a, b, c) =>
        {
            var ab = Math.Sign(a.CompareTo(b));
            if (ab != -Math.Sign(b.CompareTo(a))) return false;
            if ((ab == 0) != a.Equals(b)) return false;
            if (a.Equals(b) && a.GetHashCode() != b.GetHashCode()) return false;
            return !(ab <= 0 && b.CompareTo(c) <= 0) || a.CompareTo(c) <= 0;
        }));

    /// <summary>Values as JSON has them, so that they survive a round trip.</summary>
    public static Arbitrary<RegoValue> Arbitrary() => Generator(3).ToArbitrary();

    private static Gen<RegoValue> Generator(int depth)
    {
        var scalar = Gen.OneOf(
            Gen.Constant(RegoValue.Null),
            Gen.Elements(RegoValue.True, RegoValue.False),
            Gen.Choose(-20, 20).Select(n => RegoValue.Number(n)),
            Gen.Choose(-2_000, 2_000).SelectMany(n => Gen.Choose(-30, 30).Select(e => RegoValue.Number($"{n}e{e}"))),
            Gen.Elements("", "a", "b", "ab", "é", "\uFFFD", "😀", "\"\\\n").Select(RegoValue.String));
        if (depth == 0) return scalar;
        var inner = Generator(depth - 1);
        return Gen.OneOf(
            scalar,
            inner.ListOf(3).Select(items => RegoValue.Array([.. items])),
            inner.ListOf(3).Select(items => RegoValue.Object(items.Select((v, i) => new KeyValuePair<RegoValue, RegoValue>(RegoValue.String($"k{i * 7 % 3}"), v)))));
    }
}
