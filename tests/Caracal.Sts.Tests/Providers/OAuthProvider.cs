using System.Text;
using System.Text.Json;
using Caracal.Keys.Sealing;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Sts.Tests.Servers;
using Dapper;

namespace Caracal.Sts.Tests.Providers;

/// <summary>The provider behind <c>resource://open</c>, configured as a test needs it.</summary>
internal static class OAuthProvider
{
    public const string Resource = "resource://open";

    public static Task ConfigureAsync(StsHarness sts, string kind, object? more, params (string Name, string Value)[] secrets)
    {
        var config = new Dictionary<string, object?>
        {
            ["token_endpoint"] = OAuthServer.Endpoint,
            ["client_id"] = OAuthServer.ClientId,
            ["allowed_token_hosts"] = new[] { "LOGIN.example.com" },
            ["allow_runtime_injection"] = true,
        };
        foreach (var member in JsonSerializer.SerializeToElement(more ?? new { }).EnumerateObject())
        {
            config[member.Name] = member.Value;
        }

        var reference = SealedLocations.ProviderSecret(StsHarness.Zone, "prov-oauth");
        var document = JsonSerializer.SerializeToUtf8Bytes(secrets.ToDictionary(pair => pair.Name, pair => pair.Value));
        var envelope = Css1Envelope.Seal(sts.Settings.Kek, reference, document);
        return sts.Owner.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync(
                "UPDATE providers SET provider_kind = @kind, config_json = @config WHERE id = 'prov-oauth'",
                new { kind, config = new JsonText(JsonSerializer.Serialize(config)) });
            await work.Connection.ExecuteAsync(
                """
                INSERT INTO secret_store (ref, zone_id, envelope, created_at, updated_at) VALUES (@reference, @zone, @envelope, @now, @now)
                ON CONFLICT (ref) DO UPDATE SET envelope = @envelope
                """,
                new { reference, zone = StsHarness.Zone, envelope, now = DateTimeOffset.UtcNow });
        });
    }

    /// <summary>A connection of <paramref name="subject"/>; returns its id.</summary>
    public static async Task<string> ConnectAsync(
        StsHarness sts, string subject, string? access, string? refresh, DateTimeOffset? expiresAt)
    {
        var id = Ids.New();
        byte[]? Seal(string location, string? token) =>
            token is null ? null : Css1Envelope.Seal(sts.Settings.Kek, location, Encoding.UTF8.GetBytes(token));

        await sts.SqlAsync(
            """
            INSERT INTO provider_connections (id, zone_id, subject_id, provider_id, status, access_token_ct, refresh_token_ct, expires_at, created_at, updated_at)
            VALUES (@id, @zone, @subject, 'prov-oauth', 'active', @access, @refresh, @expiresAt, @now, @now)
            """,
            new
            {
                id,
                zone = StsHarness.Zone,
                subject,
                access = Seal(SealedLocations.ConnectionAccessToken, access),
                refresh = Seal(SealedLocations.ConnectionRefreshToken, refresh),
                expiresAt,
                now = DateTimeOffset.UtcNow,
            });
        return id;
    }

    public static async Task<Answer> CallAsync(StsHarness sts)
    {
        var gateway = await sts.MintAsync(("resource", Resource), ("scope", "open:use"));
        return await sts.ExchangeAsync(gateway, resource: Resource);
    }

    public static JsonElement Directive(Answer answer) => answer.Body.GetProperty("upstreams").GetProperty(Resource);

    public static string? Token(Answer answer) => Directive(answer).GetProperty("provider_token").GetString();
}
