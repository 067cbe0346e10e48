using System.Text;
using Caracal.Cli.Client;
using Caracal.Protocol.Mandates;

namespace Caracal.Cli.Bench.Load;

/// <summary>Mint, then spend: the two requests that an agent makes for one governed call; or the mint alone.</summary>
internal sealed class GovernedScript : CallScript
{
    private readonly byte[] mint;
    private readonly byte[] spend;
    private readonly int tokenAt;

    private GovernedScript(string mint, string spend, IReadOnlyList<Uri> services)
    {
        this.mint = Encoding.ASCII.GetBytes(mint);
        this.spend = new byte[1024 + MandateToken.MaximumLength];
        tokenAt = Encoding.ASCII.GetBytes(spend, this.spend);
        Services = services;
    }

    public override IReadOnlyList<Uri> Services { get; }

    public static async Task<GovernedScript> CreateAsync(
        AgentApplication application, AgentAuthority authority, WireEndpoints endpoints, bool mintsOnly, CancellationToken stop)
    {
        var blueprint = application.Zone.Blueprint;
        var sts = new Uri(endpoints.Sts);
        var gateway = new Uri(endpoints.Gateway);
        using var form = WireClient.ExchangeForm(application.MintFields(authority, blueprint.Scopes[0]));
        var body = await form.ReadAsStringAsync(stop);
        var asked = $"POST /oauth/2/token HTTP/1.1\r\nHost: {sts.Authority}\r\nContent-Type: {form.Headers.ContentType}\r\nContent-Length: {body.Length}\r\n\r\n{body}";
        var spent = $"GET /reports HTTP/1.1\r\nHost: {gateway.Authority}\r\nX-Caracal-Resource: {blueprint.Resource}\r\nAuthorization: Bearer ";
        return new GovernedScript(asked, spent, mintsOnly ? [sts] : [sts, gateway]);
    }

    public override ReadOnlySpan<byte> Request(int step, ReadOnlySpan<byte> answer)
    {
        if (step == 0) return mint;
        var token = TokenIn(answer);
        var end = tokenAt + token.Length;
        token.CopyTo(spend.AsSpan(tokenAt));
        "\r\n\r\n"u8.CopyTo(spend.AsSpan(end));
        return spend.AsSpan(0, end + 4);
    }

    // A parser would cost more than all else this thread does for a call.
    private static ReadOnlySpan<byte> TokenIn(ReadOnlySpan<byte> answer)
    {
        var name = "\"access_token\":\""u8;
        var at = answer.IndexOf(name);
        if (at < 0) throw new IOException("the STS answered without a mandate");
        var rest = answer[(at + name.Length)..];
        var end = rest.IndexOf((byte)'"');
        return end > 0 && end <= MandateToken.MaximumLength ? rest[..end] : throw new IOException("the STS answered with half a mandate");
    }
}
