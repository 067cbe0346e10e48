using Caracal.Authority.TokenExchange;

namespace Caracal.Authority.Tests.TokenExchange;

public sealed class OperationRulesTests
{
    private static readonly ExchangeResource Server = new()
    {
        Id = "r",
        Identifier = "resource://mcp",
        Operations =
        [
            new ResourceOperation("MCP", "/mcp/tools/call/read", "reports:read"), new ResourceOperation("MCP", "/mcp/tools/call/drop", "reports:drop"),
            new ResourceOperation("POST", "/mcp", "reports:read"), new ResourceOperation("DELETE", "/mcp", "reports:read"), new ResourceOperation("POST", "/other", "reports:read"),
        ],
    };

    [Theory]
    [InlineData("POST", "/mcp", "tools/call/read", true)]
    [InlineData("POST", "/mcp", "initialize", true)]
    [InlineData("POST", "/mcp", "notifications/initialized", true)]
    [InlineData("DELETE", "/mcp", null, true)]
    [InlineData("POST", "/other", null, true)]
    [InlineData("POST", "/other", "tools/call/drop", true)]      // Not declared as a server of MCP: an operation like any other.
    [InlineData("POST", "/mcp", "tools/call/drop", false)]       // The mandate lacks its scope.
    [InlineData("POST", "/mcp", "tools/call/unknown", false)]
    [InlineData("POST", "/mcp", "tools/call/Read", false)]
    [InlineData("POST", "/mcp", "tools/call", false)]
    [InlineData("POST", "/mcp", "sampling/createMessage", false)]
    [InlineData("POST", "/mcp", null, false)]                    // Although POST /mcp is declared: a message has to say what it asks for.
    [InlineData("MCP", "/mcp/tools/call/read", null, false)]     // Our own word, spoken over HTTP.
    [InlineData("mcp", "/mcp/tools/call/read", "tools/call/read", false)]
    [InlineData("POST", "/mcp/", "tools/call/read", false)]
    [InlineData("POST", "/mcp/tools", "call/read", false)]       // The same text, told apart otherwise, is another path upstream.
    [InlineData("POST", "/mcp/tools/call", "read", false)]
    [InlineData("POST", "/mcp/tools", "ping", false)]
    [InlineData("POST", "/mcp/tools/call", "ping", false)]
    [InlineData("POST", "/", "ping", false)]
    [InlineData("GET", "/mcp", "tools/call/read", false)]
    public void Holds_a_tool_against_the_scopes_of_the_mandate(string method, string path, string? operation, bool permitted) =>
        Assert.Equal(permitted, OperationRules.Permits(Server, method, path, operation, ["reports:read"]));

    [Theory]
    [InlineData("/api", "ping", false)]
    [InlineData("/api/v2", "ping", false)]
    [InlineData("/api/v2", "mcp/tools/call/x", false)]
    [InlineData("/api/v2/mcp", "ping", true)]
    [InlineData("/api/v2/mcp", "tools/call/x", true)]
    [InlineData("/api/v2/mcp", "inner/tools/call/y", false)]     // Of the server below: no method of this one.
    [InlineData("/api/v2/mcp/inner", "tools/call/y", true)]
    [InlineData("/api/v2/mcp/inner", "tools/call/x", false)]
    [InlineData("/files", "resources/read/file:///tools/call/z", true)]
    [InlineData("/files/resources/read/file://", "tools/call/z", false)]
    [InlineData("/files/resources/read/file://", "ping", false)]
    [InlineData("/log", "logging/setLevel", true)]
    [InlineData("/log/logging", "setLevel", false)]
    [InlineData("/log/logging", "ping", false)]
    [InlineData("/", "prompts/get/p", true)]
    [InlineData("/", "ping", true)]
    [InlineData("/prompts", "get/p", false)]
    [InlineData("/short", "ping", false)]
    [InlineData("/asked", "ping", true)]
    [InlineData("/asked/resources", "ping", false)]
    public void A_server_is_at_what_precedes_its_methods_and_nowhere_above_or_below(string path, string operation, bool permitted)
    {
        string[] declared = ["/api/v2/mcp/tools/call/x", "/api/v2/mcp/inner/tools/call/y", "/files/resources/read/file:///tools/call/z", "/log/logging/setLevel", "/prompts/get/p", "/short", "/asked/resources/templates/list", "/asked/ping"];
        var resource = Server with { Operations = [.. declared.Select(one => new ResourceOperation("MCP", one, "reports:read"))] };
        Assert.Equal(permitted, OperationRules.Permits(resource, "POST", path, operation, ["reports:read"]));
    }

    [Fact]
    public void What_everybody_may_ask_needs_a_scope_at_least() => Assert.False(OperationRules.Permits(Server, "POST", "/mcp", "initialize", []));

    [Fact]
    public void A_uniform_resource_permits_everything() =>
        Assert.True(OperationRules.Permits(Server with { OperationsEnforced = false }, "POST", "/mcp", "tools/call/drop", []));
}
