using Caracal.Gateway.Overrides;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Tests.Overrides;

public sealed class OverrideRulesTests
{
    [Theory]
    [InlineData("X-HTTP-Method-Override", "DELETE")]
    [InlineData("x-http-method-override", "PUT")]
    [InlineData("X_HTTP_Method_Override", "PUT")]
    [InlineData("X-HTTP-Method", "PATCH")]
    [InlineData("X-Method-Override", "DELETE")]
    [InlineData("X-HTTP-Method-Override", "")]
    [InlineData("X-Original-URL", "/admin")]
    [InlineData("X-Rewrite-URL", "/admin")]
    [InlineData("X-Original-Uri", "/v1/items/")]
    public void A_header_that_names_another_operation_is_found(string name, string value)
    {
        Assert.True(OverrideRules.NamesAnother(new HeaderDictionary { [name] = value }, "POST", "/v1/items", ""));
    }

    [Theory]
    [InlineData("X-HTTP-Method-Override", "post")]
    [InlineData("X-Original-URL", "/v1/items")]
    [InlineData("X-Requested-With", "DELETE")]
    [InlineData("Accept", "DELETE")]
    public void One_that_names_the_same_operation_or_none_is_not(string name, string value)
    {
        Assert.False(OverrideRules.NamesAnother(new HeaderDictionary { [name] = value }, "POST", "/v1/items", ""));
    }

    [Fact]
    public void The_same_header_twice_names_another()
    {
        Assert.True(OverrideRules.NamesAnother(
            new HeaderDictionary { ["X-HTTP-Method-Override"] = new(["POST", "DELETE"]) }, "POST", "/v1/items", ""));
    }

    [Theory]
    [InlineData("_method=DELETE", "POST", true)]
    [InlineData("a=1&_METHOD=put", "POST", true)]
    [InlineData("_method", "POST", true)]
    [InlineData("_method=post", "POST", false)]
    [InlineData("my_method=DELETE", "POST", false)]
    [InlineData("_method=DELETE", "GET", true)]
    [InlineData("a=1&_method=GET", "GET", false)]
    [InlineData("%5Fmethod=DELETE", "POST", true)]
    [InlineData("a=1&+%5fmethod=%44ELETE", "POST", true)]
    [InlineData("_method=POST&_method=DELETE", "POST", true)]
    [InlineData("_HttpMethod=PATCH", "POST", true)]
    [InlineData("X-HTTP-Method-Override=DELETE", "GET", true)]
    public void The_query_is_read_too(string query, string method, bool found)
    {
        Assert.Equal(found, OverrideRules.NamesAnother(new HeaderDictionary(), method, "/v1/items", query));
    }
}
