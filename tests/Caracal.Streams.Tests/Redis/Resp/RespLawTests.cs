using System.Buffers;
using System.Globalization;
using System.Text;
using Caracal.Streams.Redis.Resp;
using FsCheck;
using FsCheck.Fluent;

namespace Caracal.Streams.Tests.Redis.Resp;

public sealed class RespLawTests
{
    private static readonly Config Quiet = Config.QuickThrowOnFailure.WithMaxTest(300);

    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.Elements("", "OK", "\r\n", "zürich 😀", "$-1\r\n", "caracal.sessions.revoke", new string('x', 90)),
        ArbMap.Default.GeneratorFor<NonNull<string>>().Select(text => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Get))));

    private static readonly Gen<RespValue> Values = Gen.Sized(size => Value(Math.Min(size, 6)));

    [Fact]
    public void A_value_is_the_same_however_its_bytes_are_split() => Check.One(Quiet, Prop.ForAll(
        Gen.Zip(Values.ListOf(3), Gen.Choose(1, 40).ListOf(8)).ToArbitrary(),
        test =>
        {
            var (values, sizes) = test;
            var bytes = values.SelectMany(value => Encode(value)).ToArray();
            var whole = Read(bytes, [int.MaxValue]);
            return whole.SequenceEqual(values) && Read(bytes, [1, 2]).SequenceEqual(values) && Read(bytes, [.. sizes]).SequenceEqual(values);
        }));

    [Fact]
    public void Bytes_that_are_no_reply_end_in_a_protocol_fault_or_wait_for_more() => Check.One(Quiet, Prop.ForAll(
        Gen.Zip(ArbMap.Default.GeneratorFor<byte[]>(), Gen.Elements("", "*3\r\n", "$5\r\n", "%1\r\n", "|1\r\n", "*1\r\n*1\r\n", "=")).ToArbitrary(),
        test => IsHarmless([.. Encoding.UTF8.GetBytes(test.Item2), .. test.Item1])));

    [Fact]
    public void A_reply_with_damaged_bytes_never_crashes_the_parser() => Check.One(Quiet, Prop.ForAll(
        Gen.Zip(Values, Gen.Zip(Gen.Choose(0, 10_000), Gen.Choose(0, 255))).ToArbitrary(),
        test =>
        {
            var bytes = Encode(test.Item1);
            bytes[test.Item2.Item1 % bytes.Length] = (byte)test.Item2.Item2;
            return IsHarmless(bytes);
        }));

    private static Gen<RespValue> Value(int size)
    {
        var leaves = Gen.OneOf(
            Texts.Select(RespValue.OfText),
            Gen.Elements(0L, -1L, long.MaxValue, long.MinValue, 42L).Select(RespValue.OfInteger),
            Gen.Elements(true, false).Select(RespValue.OfBoolean),
            Gen.Constant(default(RespValue)),
            Gen.Elements("WRONGTYPE no", "ERR").Select(text => RespValue.OfText(RespKind.Error, text)),
            Gen.Elements("1.5", "inf").Select(text => RespValue.OfText(RespKind.Double, text)),
            Gen.Constant(RespValue.OfText(RespKind.BigNumber, "123456789012345678901234567890")));
        if (size < 2)
        {
            return leaves;
        }

        var lists =
            from kind in Gen.Elements(RespKind.Array, RespKind.Set, RespKind.Map, RespKind.Push)
            from length in Gen.Choose(0, 5)
            from items in Value(size / 2).ArrayOf(kind == RespKind.Map ? length * 2 : length)
            select RespValue.OfItems(kind, items);
        return Gen.OneOf(leaves, lists);
    }

    private static bool IsHarmless(byte[] bytes)
    {
        try
        {
            Read(bytes, [7]);
        }
        catch (RespProtocolException)
        {
            // The only way out that the link expects.
        }

        return true;
    }

    // As the link does it: what was not consumed comes again in front of what is new, cut into segments.
    private static List<RespValue> Read(byte[] bytes, int[] sizes)
    {
        var parser = new RespParser();
        var values = new List<RespValue>();
        int consumed = 0, arrived = 0;
        for (var i = 0; arrived < bytes.Length; i++)
        {
            var size = sizes[i % sizes.Length];
            arrived = (int)Math.Min(bytes.Length, (long)arrived + size);
            var input = Segments.Of(bytes[consumed..arrived], size);
            var before = input.Length;
            while (parser.TryRead(ref input, out var value))
            {
                values.Add(value);
            }

            consumed += (int)(before - input.Length);
        }

        return values;
    }

    private static byte[] Encode(RespValue value)
    {
        var text = value.Text ?? "";
        var head = value.Kind switch
        {
            RespKind.Null => "_\r\n",
            RespKind.Integer => $":{value.Integer.ToString(CultureInfo.InvariantCulture)}\r\n",
            RespKind.Boolean => value.Integer == 1 ? "#t\r\n" : "#f\r\n",
            RespKind.Double => $",{text}\r\n",
            RespKind.BigNumber => $"({text}\r\n",
            RespKind.Error => text.Contains(' ', StringComparison.Ordinal) ? $"!{text.Length}\r\n{text}\r\n" : $"-{text}\r\n",
            RespKind.Text when text == "OK" => "+OK\r\n",
            RespKind.Text => $"${Encoding.UTF8.GetByteCount(text)}\r\n{text}\r\n",
            RespKind.Map => $"%{value.Items.Length / 2}\r\n",
            RespKind.Set => $"~{value.Items.Length}\r\n",
            RespKind.Push => $">{value.Items.Length}\r\n",
            _ => $"*{value.Items.Length}\r\n",
        };
        var bytes = Encoding.UTF8.GetBytes(head).ToList();
        foreach (var item in value.Items)
        {
            bytes.AddRange(Encode(item));
        }

        return [.. bytes];
    }

    private sealed class Segments : ReadOnlySequenceSegment<byte>
    {
        public static ReadOnlySequence<byte> Of(byte[] bytes, int size)
        {
            Segments first = new(), last = first;
            for (long start = 0; start < bytes.Length; start += size)
            {
                var piece = bytes.AsMemory((int)start, (int)Math.Min(size, bytes.Length - start));
                var next = new Segments { Memory = piece, RunningIndex = last.RunningIndex + last.Memory.Length };
                last.Next = next;
                last = next;
            }

            return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
        }
    }
}
