using Caracal.Gateway.Forwarding;

namespace Caracal.Gateway.Tests.Forwarding;

public sealed class AnswerHeaderRulesTests
{
    [Theory]
    [InlineData("https://evil.example/x")]
    [InlineData("//evil.example/x")]
    [InlineData("/\\evil.example")]
    [InlineData("\\\\evil.example")]
    [InlineData("\\evil")]
    [InlineData("  //evil.example")]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("")]
    public void A_location_that_leaves_is_dropped(string location) => Assert.False(AnswerHeaderRules.IsRelative(location));

    [Theory]
    [InlineData("/v1/items/7")]
    [InlineData("items/7")]
    [InlineData("?page=2")]
    [InlineData("../up")]
    [InlineData("/x?u=https://other")]
    public void A_relative_location_is_kept(string location) => Assert.True(AnswerHeaderRules.IsRelative(location));
}
