using Caracal.Authority.Federation;

namespace Caracal.Authority.Tests.Federation;

public sealed class FederatedSubjectTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("caracal:shared")]
    [InlineData(" user")]
    [InlineData("user\u00a0")]
    [InlineData("us\ner")]
    [InlineData("us\u0085er")]
    [InlineData("us\u202eer")]
    [InlineData("us\u2066er")]
    [InlineData("us\ufffder")]
    [InlineData("us\ud800er")]
    public void Refuses(string? subject) => Assert.NotNull(FederatedSubject.Problem(subject));

    [Fact]
    public void Refuses_more_than_512_bytes()
    {
        Assert.NotNull(FederatedSubject.Problem(new string('ä', 257)));
        Assert.Null(FederatedSubject.Problem(new string('ä', 256)));
    }

    [Theory]
    [InlineData("auth0|1234")]
    [InlineData("Üser mit Leerzeichen")]
    [InlineData("😀")]
    [InlineData("CARACAL:x")]
    public void Accepts(string subject) => Assert.Null(FederatedSubject.Problem(subject));
}
