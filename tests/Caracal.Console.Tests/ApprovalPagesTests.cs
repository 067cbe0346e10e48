using Caracal.Console.Approvals;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Caracal.Console.Tests;

public class ApprovalPagesTests
{
    [Theory]
    [InlineData("", "pending")]
    [InlineData("?state=", "")]
    [InlineData("?state=approved&cursor=abc", "approved")]
    [InlineData("?state=a%26b%3Fc", "a&b?c")]
    public void A_link_to_the_next_page_asks_for_the_state_that_is_shown(string query, string state)
    {
        Assert.Equal(state, ApprovalPages.StateOf(Read(query)));
        Assert.Equal(state, ApprovalPages.StateOf(Read(ApprovalPages.FilterOf(state) + "&cursor=next")));
    }

    private static QueryCollection Read(string query) => new(QueryHelpers.ParseQuery(query));
}
