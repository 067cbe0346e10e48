using System.Security.Cryptography;
using Caracal.Cli.Hardening;

namespace Caracal.Cli.Tests.Hardening;

/// <summary>Every check that needs variables and files only: the good deployment passes it, one fault fails it and says which.</summary>
public sealed class ConfigurationCheckTests
{
    [Theory]
    [Trait("requirement", "R104")]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=verify-full", "ok", "")]
    [InlineData("postgres://u:p@db.example.com/d", "fail", "no TLS is required to db.example.com")]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=prefer", "fail", "no TLS is required")]
    [InlineData("postgres://u:p@db.example.com/d?sslmode=require", "warn", "without a check that it is that host")]
    [InlineData("mysql://u:p@db.example.com/d", "fail", "must be a postgres:// URL")]
    public async Task Judges_the_transport_to_PostgreSQL(string url, string status, string says)
    {
        using var deployment = new GoodDeployment();
        deployment.Set("DATABASE_URL_FILE", deployment.Running.Write("url", url));
        var found = await deployment.CheckAsync("H-PG-1");
        Assert.Equal((status, true), (found.Status, found.Evaluated));
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rediss://:p@redis.example.com", "ok", "")]
    [InlineData("redis://:p@redis:6379", "ok", "")]
    [InlineData("redis://:p@redis.example.com", "fail", "redis:// to redis.example.com")]
    public async Task Judges_the_transport_to_Redis(string url, string status, string says)
    {
        using var deployment = new GoodDeployment();
        deployment.Set("REDIS_URL_FILE", deployment.Running.Write("url", url));
        var found = await deployment.CheckAsync("H-RED-5");
        Assert.Equal((status, true), (found.Status, found.Evaluated));
        Assert.Contains(says, found.Detail, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("requirement", "R63")]
    public async Task Finds_a_live_value_in_a_tracked_file_and_names_the_file_only()
    {
        using var deployment = new GoodDeployment();
        var value = File.ReadAllText(deployment.Secret("auditHmacKey"));
        var clean = deployment.Running.Write("clean.txt", "nothing here");
        var leaking = deployment.Running.Write("values.yaml", $"auditKey: {value}\n");
        var live = new[] { ("AUDIT_HMAC_KEY", new Caracal.Keys.Secrets.SecretText(value)) };

        Assert.Equal(Outcome.Ok, TrackedFiles.Search([clean], live).Outcome);
        var found = TrackedFiles.Search([clean, leaking], live);

        Assert.Equal(Outcome.Fail, found.Outcome);
        Assert.Contains($"{leaking} holds the live value of AUDIT_HMAC_KEY", found.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain(value, found.Detail, StringComparison.Ordinal);
        Assert.True((await deployment.CheckAsync("H-SEC-6")).Status is "ok" or "warn"); // of the folder the tests run in
    }
}
