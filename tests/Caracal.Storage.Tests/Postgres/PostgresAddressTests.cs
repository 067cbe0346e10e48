using Caracal.Storage.Postgres;

namespace Caracal.Storage.Tests.Postgres;

public sealed class PostgresAddressTests
{
    [Theory]
    [InlineData("mysql://u:p@h/d")]
    [InlineData("u:secret@h/d")]
    [InlineData("postgres://h/d")]
    [InlineData("postgres://u:secret@h")]
    [InlineData("postgres://u:secret@h/d?sslmode=maybe")]
    [InlineData("postgres://u:secret@h/d?sslmoed=require")]
    public void Refuses_what_it_cannot_read_whole_and_repeats_no_secret(string url) =>
        Assert.DoesNotContain("secret", Assert.Throws<FormatException>(() => PostgresAddress.Parse(url)).Message, StringComparison.Ordinal);

    [Theory]
    [Trait("requirement", "R104")]
    [InlineData("postgres://u:p@db.example.com/d", false)]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=prefer", false)]
    [InlineData("postgres://u:p@10.0.0.5/d?sslmode=disable", false)]
    [InlineData("postgres://u:p@[2001:db8::1]/d", false)]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=require", true)]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=verify-full&sslrootcert=/ca.pem", true)]
    [InlineData("postgres://u:p@postgres/d", true)]
    [InlineData("postgres://u:p@127.0.0.1:5433/d", true)]
    [InlineData("postgres://u:p@[::1]/d", true)]
    [InlineData("postgres://u:p@localhost/d?host=/run/postgresql", true)]
    public void Wants_an_encrypted_way_to_another_machine_in_published_modes(string url, bool allowed)
    {
        var address = PostgresAddress.Parse(url);
        Assert.Equal(allowed, address.TransportProblem(published: true, plaintextAllowed: false) is null);
        Assert.Null(address.TransportProblem(published: false, plaintextAllowed: false));
        Assert.Null(address.TransportProblem(published: true, plaintextAllowed: true));
    }

    [Fact]
    public void Prints_without_its_password_and_gives_another_login_its_url()
    {
        var address = PostgresAddress.Parse("postgres://admin:to%40p@db.example.com:6543/cara%20cal?sslmode=require");
        Assert.Equal("postgres://admin@db.example.com:6543/cara cal", address.ToString());
        Assert.Equal("postgres://caracalsts_a:p%2Fw@db.example.com:6543/cara%20cal?sslmode=require", address.UrlFor("caracalsts_a", "p/w"));
    }
}
