using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Evidence.Canonical;
using FsCheck;
using FsCheck.Fluent;

namespace Caracal.Evidence.Tests.Canonical;

public class CanonicalLawTests
{
    private static readonly Gen<string> Strings =
        Gen.OneOf(Gen.Elements("", "a", "b", "aa", "é", "😀", "\ufb33", "\u0001", "\"\\", "key", "longer key"), ArbMap.Default.GeneratorFor<NonNull<string>>().Select(text => text.Get));

    private static readonly Gen<JsonNode?> Documents = Gen.Sized(size => Node(Math.Min(size, 20)));

    [Fact]
    public void Canonical_text_is_canonical_already() => Check.One(Quiet, Prop.ForAll(Documents.ToArbitrary(), node =>
    {
        var json = Json(node);
        var once = CanonicalJson.Text(json);
        var other = Rfc8785.Text(json);
        return CanonicalJson.Text(once) == once && Rfc8785.Text(other) == other;
    }));

    [Fact]
    public void Key_order_and_spaces_do_not_matter() => Check.One(Quiet, Prop.ForAll(Documents.ToArbitrary(), node =>
    {
        var json = Json(node);
        var shuffled = Json(Reverse(node), indented: true);
        return CanonicalJson.Text(json) == CanonicalJson.Text(shuffled) && Rfc8785.Text(json) == Rfc8785.Text(shuffled);
    }));

    [Fact]
    public void Both_forms_are_json_of_the_same_value() => Check.One(Quiet, Prop.ForAll(Documents.ToArbitrary(), node =>
    {
        var json = Json(node);
        return Rfc8785.Text(CanonicalJson.Text(json)) == Rfc8785.Text(Json(WithoutNul(node)))
            && JsonNode.Parse(Rfc8785.Text(json)) is null == JsonNode.Parse(json) is null;
    }));

    [Fact]
    public void Plain_decimals_keep_their_value() => Check.One(Quiet, Prop.ForAll(
        ArbMap.Default.ArbFor<decimal>(),
        number =>
        {
            var text = number.ToString(CultureInfo.InvariantCulture);
            var canonical = CanonicalJson.Text(text);
            return decimal.Parse(canonical, CultureInfo.InvariantCulture) == number && (number == 0 || canonical == text);
        }));

    [Fact]
    public void Doubles_survive_rfc_8785() => Check.One(Quiet, Prop.ForAll(
        ArbMap.Default.ArbFor<NormalFloat>(),
        number => double.Parse(Rfc8785.Text(number.Get.ToString("R", CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture) == number.Get));

    [Fact]
    public void No_bytes_crash_the_writers() => Check.One(Quiet, Prop.ForAll(
        Gen.OneOf(
            ArbMap.Default.GeneratorFor<byte[]>(),
            Documents.Select(node => Encoding.UTF8.GetBytes(Json(node))).SelectMany(bytes => ArbMap.Default.GeneratorFor<byte>().SelectMany(
                value => Gen.Choose(0, Math.Max(0, bytes.Length - 1)).Select(at => Mutate(bytes, at, value))))).ToArbitrary(),
        bytes =>
        {
            try
            {
                _ = CanonicalJson.Text(bytes);
                _ = Rfc8785.Text(bytes);
            }
            catch (Exception exception) when (exception is JsonException or CanonicalFormException)
            {
                // A refusal is an answer.
            }

            return true;
        }));

    private static Config Quiet => Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true);

    private static byte[] Mutate(byte[] bytes, int at, byte value)
    {
        if (bytes.Length > 0) bytes[at] = value;
        return bytes;
    }

    private static Gen<JsonNode?> Node(int size)
    {
        var leaf = Gen.OneOf(
            Strings.Select(text => (JsonNode?)JsonValue.Create(text)),
            ArbMap.Default.GeneratorFor<int>().Select(number => (JsonNode?)JsonValue.Create(number)),
            Gen.Elements("1.50", "1e3", "-0.0", "0.25").Select(text => JsonNode.Parse(text)),
            Gen.Elements<JsonNode?>(null, JsonValue.Create(true), JsonValue.Create(false)).Select(node => node?.DeepClone()));
        if (size <= 1) return leaf;
        var child = Node(size / 3);
        return Gen.OneOf(
            leaf,
            child.ListOf().Select(children => (JsonNode?)new JsonArray([.. children.Take(4).Select(node => node?.DeepClone())])),
            Strings.Zip(child).ListOf().Select(members => (JsonNode?)new JsonObject(
                // Names that differ only in what the database cannot hold become one name, and then order matters.
                members.Take(5).DistinctBy(member => CanonicalJson.Text(Json(JsonValue.Create(member.Item1)))).Select(member => KeyValuePair.Create(member.Item1, member.Item2?.DeepClone())))));
    }

    private static JsonNode? Reverse(JsonNode? node) => node switch
    {
        JsonObject members => new JsonObject(members.Reverse().Select(member => KeyValuePair.Create(member.Key, Reverse(member.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Reverse)]),
        _ => node?.DeepClone(),
    };

    // What the database cannot hold is gone from its form.
    private static JsonNode? WithoutNul(JsonNode? node) => JsonNode.Parse(CanonicalJson.Text(Json(node)));

    private static string Json(JsonNode? node, bool indented = false) =>
        node?.ToJsonString(new JsonSerializerOptions { WriteIndented = indented }) ?? "null";
}
