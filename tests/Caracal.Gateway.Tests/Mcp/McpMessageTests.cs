using System.Text;
using Caracal.Gateway.Mcp;

namespace Caracal.Gateway.Tests.Mcp;

public sealed class McpMessageTests
{
    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"Name":"x"}}}""", "tools/call/echo")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///a"}}""", "resources/read/file:///a")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p"}}""", "prompts/get/p")]
    [InlineData("""{"jsonrpc":"2.0","method":"notifications/initialized"}""", "notifications/initialized")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"name":"x"}}""", "tools/list")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"\u0065cho"}}""", "tools/call/echo")]
    public void Reads_what_a_message_asks_for(string body, string operation) =>
        Assert.Equal(operation, McpMessage.TryRead(Encoding.UTF8.GetBytes(body))?.Operation);

    // What two readers could read in two ways is read by nobody.
    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"ping"}]""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/list","\u006dethod":"tools/call"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"drop"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","NAME":"drop"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"},"params":{"name":"drop"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["echo"]}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":7}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping"} {"jsonrpc":"2.0"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,/**/"method":"ping"}""")]
    public void Refuses_what_is_not_one_message_for_every_reader(string body) => Assert.Null(McpMessage.TryRead(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void Refuses_a_name_longer_than_any_that_can_be_declared() =>
        Assert.Null(McpMessage.TryRead(Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"{{new string('x', 502)}}"} }""")));

    [Theory]
    [InlineData("echo", "echo")]
    [InlineData("=?base64?ZWNobw==?=", "echo")]
    [InlineData("=?base64?w6Q=?=", "ä")]
    [InlineData("=?base64?/w==?=", null)]
    [InlineData("=?base64?!?=", null)]
    public void Unwraps_names(string header, string? name) => Assert.Equal(name, McpMessage.Unwrap(header));
}
