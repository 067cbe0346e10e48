using System.Buffers;
using System.Text;
using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Tests.Redis.Resp;

public sealed class RespParserTests
{
    [Theory]
    [InlineData("x\r\n")]
    [InlineData("\r\n")]
    [InlineData(":\r\n")]
    [InlineData(":1x\r\n")]
    [InlineData(":9223372036854775808\r\n")]
    [InlineData("#x\r\n")]
    [InlineData("_1\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("$?\r\n")]
    [InlineData("$999999999999\r\n")]
    [InlineData("$2\r\nabcd")]
    [InlineData("=2\r\nab\r\n")]
    [InlineData("*?\r\n")]
    [InlineData("*-2\r\n")]
    [InlineData("*2000000000\r\n")]
    [InlineData("%-1\r\n")]
    public void What_is_no_reply_is_a_protocol_fault(string bytes)
    {
        Assert.Throws<RespProtocolException>(() => Read(bytes));
    }

    [Fact]
    public void Endless_nesting_and_endless_lines_are_protocol_faults()
    {
        Assert.Throws<RespProtocolException>(() => Read(string.Concat(Enumerable.Repeat("*1\r\n", 100))));
        Assert.Throws<RespProtocolException>(() => Read("+" + new string('x', 100_000)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("+O")]
    [InlineData("$5\r\nhello\r")]
    [InlineData("*2\r\n:1\r\n")]
    [InlineData("*1000000\r\n:1\r\n")]
    public void What_is_not_complete_waits_for_more(string bytes)
    {
        Assert.Null(Read(bytes));
    }

    [Fact]
    public void Every_kind_of_reply_is_read()
    {
        Assert.True(Read("$-1\r\n")!.Value.IsNull);
        Assert.True(Read("*-1\r\n")!.Value.IsNull);
        Assert.True(Read("_\r\n")!.Value.IsNull);
        Assert.Equal("text", Read("=8\r\ntxt:text\r\n")!.Value.Text);
        Assert.Equal(1, Read("#t\r\n")!.Value.Integer);
        Assert.Equal("3", Read("|1\r\n+ttl\r\n:7\r\n,3\r\n")!.Value.Text);
        Assert.Equal(2, Read("|0\r\n:2\r\n")!.Value.Integer);
        Assert.Equal(RespKind.Push, Read(">1\r\n+x\r\n")!.Value.Kind);
        Assert.Equal("7.0.15", Read("%2\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n+proto\r\n:3\r\n")!.Value["version"].Text);
        Assert.True(Read("%0\r\n")!.Value["version"].IsNull);
    }

    [Theory]
    [InlineData("-NOGROUP No such key 'secret'\r\n", "NOGROUP")]
    [InlineData("-ERR unknown command 'secret'\r\n", "ERR")]
    [InlineData("-secret\r\n", "ERR")]
    [InlineData("!5\r\nNOPE!\r\n", "ERR")]
    public void Of_an_error_only_its_code_is_repeated(string bytes, string code)
    {
        Assert.Equal(code, Read(bytes)!.Value.ErrorCode);
        Assert.DoesNotContain("secret", Read(bytes)!.Value.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_is_written_with_the_length_of_its_bytes_and_a_broken_one_is_taken_back()
    {
        var buffer = new RespBuffer();
        buffer.Begin(3);
        buffer.Part("SET"u8);
        buffer.Part("ü\r\n");
        buffer.Part(-42);
        var length = buffer.Length;
        buffer.Begin(2);
        buffer.Truncate(length);
        Assert.Equal("*3\r\n$3\r\nSET\r\n$4\r\nü\r\n\r\n$3\r\n-42\r\n", Encoding.UTF8.GetString(buffer.Written.Span));
    }

    private static RespValue? Read(string bytes)
    {
        var input = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(bytes));
        return new RespParser().TryRead(ref input, out var value) ? value : null;
    }
}
