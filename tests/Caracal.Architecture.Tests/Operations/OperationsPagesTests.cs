using System.Text.RegularExpressions;

namespace Caracal.Architecture.Tests.Operations;

/// <summary>The pages under docs/operations: reachable, with links that lead somewhere, and saying what they are for.</summary>
public sealed partial class OperationsPagesTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "docs", "operations");

    [Theory]
    [Trait("requirement", "R44 (postgresql.md)")]
    [Trait("requirement", "R45 (redis.md)")]
    [Trait("requirement", "R46 (tls.md)")]
    [Trait("requirement", "R47 (key-management.md)")]
    [Trait("requirement", "R49 (backup-and-restore.md)")]
    [Trait("requirement", "R50 (incidents.md)")]
    [Trait("requirement", "R145 (incidents.md)")]
    [InlineData("postgresql.md", "schema,migrat,pool,partition,advisory lock,sslmode")]
    [InlineData("redis.md", "provision,group,appendonly,noeviction,retention,ACL")]
    [InlineData("tls.md", "TLS_CERT_FILE,TLS_KEY_FILE,INSECURE_STS,ALLOW_PRIVATE_UPSTREAMS,CARACAL_TLS_EXTRA_CA_FILE,1.2")]
    [InlineData("key-management.md", "zone-kek,keys/zone-signing.md,prepare,retire,rollback")]
    [InlineData("backup-and-restore.md", "caracal backup,caracal restore,partition,export,sweep,ZONE_KEK,revoked")]
    [InlineData("incidents.md", "caracal incident,SEV0,freeze,revoke,compromise,tamper,401,escalat,evidence")]
    [InlineData("deployment.md", "compose,helm,systemd,PublishContainer,migrate --check,provision")]
    [InlineData("observability.md", "/health,/ready,/metrics,METRICS_BEARER,promtool,chain_break,hmac_mismatch")]
    public void A_page_says_what_its_reader_came_for(string page, string words)
    {
        var text = File.ReadAllText(Path.Combine(Folder, page));
        Assert.Equal([], words.Split(',').Where(word => !text.Contains(word, StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public void The_map_leads_to_every_page()
    {
        var map = File.ReadAllText(Path.Combine(Folder, "README.md"));
        var pages = Directory.EnumerateFiles(Folder, "*.md").Select(file => Path.GetFileName(file)!).Where(name => name != "README.md");
        Assert.Equal([], pages.Where(page => !map.Contains($"({page})", StringComparison.Ordinal)));
    }

    [Fact]
    public void No_link_leads_nowhere()
    {
        var dead = new List<string>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories))
        {
            foreach (Match link in Link().Matches(File.ReadAllText(file)))
            {
                var target = Path.Combine(Path.GetDirectoryName(file)!, link.Groups[1].Value);
                if (!File.Exists(target) && !Directory.Exists(target)) dead.Add($"{Path.GetRelativePath(Repository.Root, file)}: {link.Groups[1].Value}");
            }
        }

        Assert.Equal([], dead);
    }

    [GeneratedRegex(@"\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)")]
    private static partial Regex Link();
}
