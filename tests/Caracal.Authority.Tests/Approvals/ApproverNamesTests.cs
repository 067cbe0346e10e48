using Caracal.Authority.Approvals;

namespace Caracal.Authority.Tests.Approvals;

public sealed class ApproverNamesTests
{
    // sts.md 8.6.
    [Theory]
    [InlineData("identified", "subject:user-1")]
    [InlineData("pseudonymous", "subject:pseudonym:5522eb4bfa40b0c3")]
    [InlineData("anonymous", "subject:redacted")]
    public void Says_as_much_of_the_approver_as_the_mode_allows(string mode, string name) =>
        Assert.Equal(name, ApproverNames.Of(mode, "zone-1", "user-1"));
}
