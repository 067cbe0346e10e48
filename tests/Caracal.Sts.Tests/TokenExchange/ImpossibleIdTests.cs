using System.Buffers.Text;
using System.Text;
using Caracal.TestKit;

namespace Caracal.Sts.Tests.TokenExchange;

/// <summary>Ids that PostgreSQL would not even take as a parameter, from somebody nobody knows yet.</summary>
public sealed class ImpossibleIdTests
{
    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Are_answered_as_unknown_ones_are(Engine engine)
    {
        await using var sts = await StsHarness.StartAsync(engine);
        foreach (var field in (string[])["zone_id", "application_id", "agent_session_id", "delegation_edge_id", "resource", "approval_id"])
        {
            await AssertSameAsync(id => sts.PostAsync(StsHarness.Mint((field, id))));
        }

        await AssertSameAsync(id => sts.PostAsync(StsHarness.Bootstrap(("zone_id", id))));
        await AssertSameAsync(id => sts.GetAsync("/.well-known/jwks.json?zone_id=" + Uri.EscapeDataString(id)));
        await AssertSameAsync(id => sts.GetAsync("/.well-known/oauth-authorization-server?zone_id=" + Uri.EscapeDataString(id)));
        await AssertSameAsync(id => sts.PostAsync(StsHarness.Mint(("subject_token", Unsigned(id)), ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"))));
    }

    private static async Task AssertSameAsync(Func<string, Task<Answer>> ask)
    {
        var (unknown, impossible) = (await ask("nobody"), await ask("nobody\0"));
        Assert.Equal((unknown.Status, unknown.Error, unknown.Description), (impossible.Status, impossible.Error, impossible.Description?.Replace("\0", "", StringComparison.Ordinal)));
        Assert.InRange(impossible.Status, 200, 499);
    }

    private static string Unsigned(string sid) => string.Join('.', new[]
    {
        """{"alg":"ES256","typ":"JWT","kid":"k"}""",
        $$"""{"zone_id":"zone-1","client_id":"app-p","sub":"app-p","sid":"{{sid.Replace("\0", "\\u0000", StringComparison.Ordinal)}}","use":"session","exp":4102444800}""",
        "sixty-four bytes of signature, which nobody has made for this text",
    }.Select(part => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part))));
}
