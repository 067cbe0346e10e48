using Caracal.Storage.Privileges;

namespace Caracal.Storage.Tests.Privileges;

public sealed class ScramVerifierTests
{
    [Fact]
    public void Makes_what_the_server_makes_of_the_same_password_and_salt()
    {
        Assert.Equal(
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
            ScramVerifier.Of("pencil", Convert.FromBase64String("W22ZaJ0SNY7soEsUEjb6gQ==")));
        Assert.NotEqual(ScramVerifier.Of("pencil"), ScramVerifier.Of("pencil"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("pass\n")]
    [InlineData("pässword")]
    public void Refuses_a_password_that_clients_may_read_differently(string password) =>
        Assert.Throws<ArgumentException>(() => ScramVerifier.Of(password));
}
