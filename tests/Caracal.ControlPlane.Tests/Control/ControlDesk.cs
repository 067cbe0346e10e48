using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;
using Caracal.Streams.State;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests.Control;

/// <summary>An API with Control enabled, its gate, a zone with a control key, and the STS's pen.</summary>
internal sealed class ControlDesk : IZoneKeys, IAsyncDisposable
{
    private const string Issuer = "http://localhost:8080";
    private const string KeyId = "k1";
    private readonly SigningKey _key = SigningKey.Generate();
    private readonly SigningKey _foreign = SigningKey.Generate();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-control");

    public ApiHost Api { get; private set; } = null!;

    public string Zone { get; private set; } = "";

    /// <summary>The application that is the control key.</summary>
    public string Key { get; private set; } = "";

    public string Gate => Path.Combine(_folder.FullName, "gate");

    public static async Task<ControlDesk> OpenAsync(
        IReadOnlyDictionary<string, string?>? more = null, Engine engine = Engine.Sqlite, ISharedState? shared = null, TestStore? store = null, TextWriter? log = null)
    {
        var desk = new ControlDesk();
        var environment = new Dictionary<string, string?>
        {
            ["CARACAL_CONTROL_ENABLED"] = "true",
            ["CONTROL_GATE_FILE"] = desk.Gate,
            ["STS_JWKS_URL"] = Issuer + "/.well-known/jwks.json",
            ["STS_ISSUER_URL"] = Issuer,
            ["CONTROL_API_TOKEN"] = ApiHost.AdminToken,
        };
        foreach (var (name, value) in more ?? new Dictionary<string, string?>()) environment[name] = value;
        desk.Api = await ApiHost.StartAsync(environment, store, engine: engine, shared: shared, zoneKeys: desk, log: log);
        desk.Zone = await desk.Api.ZoneAsync("Zone " + Guid.NewGuid());
        desk.Key = await desk.KeyAsync("ci");
        await File.WriteAllTextAsync(desk.Gate, "");
        return desk;
    }

    /// <summary>Another control key of the zone.</summary>
    public async Task<string> KeyAsync(string name)
    {
        var reply = await Api.PostAsync(
            $"/v1/zones/{Zone}/applications",
            $$"""{"name":"{{name}}","registration_method":"managed","traits":["control:invoke","control:scope:control:resource:read","control:max-ttl:300"]}""");
        Assert.Equal(201, reply.Status);
        return reply.Get("id");
    }

    public ValueTask<EcPublicKey?> FindAsync(string zoneId, string keyId, CancellationToken cancellationToken) =>
        ValueTask.FromResult(keyId == KeyId ? EcPublicKey.TryCreate(KeyId, _key.X.Span, _key.Y.Span) : null);

    /// <summary>Claims as the STS writes them for a control key.</summary>
    public MandateClaims Claims(string scopes, string? subject = null) => new()
    {
        Issuer = Issuer,
        Audience = ["caracal-control"],
        Subject = subject ?? Key,
        ClientId = subject ?? Key,
        ZoneId = Zone,
        Sid = "rec-control",
        RootSid = "rec-control",
        Jti = Guid.NewGuid().ToString(),
        Use = MandateUse.Resource,
        SubjectType = "application",
        Scope = scopes,
        Target = ["caracal-control"],
        IssuedAt = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
        ExpiresAt = DateTimeOffset.UtcNow.AddMinutes(5).ToUnixTimeSeconds(),
    };

    public string Sign(MandateClaims claims, bool foreign = false, string algorithm = "ES256")
    {
        using var payload = new MemoryStream();
        using (var writer = new Utf8JsonWriter(payload)) claims.WriteTo(writer);
        var head = Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"alg":"{{algorithm}}","typ":"JWT","kid":"{{KeyId}}"}"""));
        var signed = $"{head}.{Base64Url.EncodeToString(payload.ToArray())}";
        Span<byte> signature = stackalloc byte[SigningKey.SignatureSize];
        (foreign ? _foreign : _key).Sign(Encoding.ASCII.GetBytes(signed), signature);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    public string Token(string scopes, string? subject = null) => Sign(Claims(scopes, subject));

    /// <summary>Every scope there is.</summary>
    public static string AllScopes => string.Join(' ', Caracal.Authority.Applications.ControlScopes.All);

    /// <summary>Invokes with a fresh token.</summary>
    public Task<Reply> InvokeAsync(string command, string subcommand, object? flags = null, string? scopes = null, string? subject = null, params (string Name, string Value)[] headers) =>
        SendAsync(Token(scopes ?? AllScopes, subject), JsonSerializer.Serialize(new { command, subcommand, flags = flags ?? new { } }), headers);

    public Task<Reply> SendAsync(string? token, string body, params (string Name, string Value)[] headers) =>
        Api.SendAsync("POST", "/v1/control/invoke", body, token, headers: headers);

    /// <summary>Invokes and expects a result.</summary>
    public async Task<JsonElement> ResultAsync(string command, string subcommand, object? flags = null)
    {
        var reply = await InvokeAsync(command, subcommand, flags);
        Assert.True(reply.Status == 200, reply.Text);
        Assert.True(reply.Json.GetProperty("ok").GetBoolean());
        return reply.Json.TryGetProperty("result", out var result) ? result : default;
    }

    /// <summary>What was refused, as (status, code, reason).</summary>
    public static (int Status, string? Code, string? Reason) Refusal(Reply reply)
    {
        Assert.False(reply.Json.GetProperty("ok").GetBoolean());
        var error = reply.Json.GetProperty("error");
        return (reply.Status, error.GetProperty("code").GetString(), error.GetProperty("reason").GetString());
    }

    public static (int Status, string? Code) Code(Reply reply)
    {
        var (status, code, _) = Refusal(reply);
        return (status, code);
    }

    /// <summary>The evidence so far, oldest first.</summary>
    public async Task<List<JsonElement>> EvidenceAsync() =>
        [.. (await Api.RowsAsync("SELECT payload_json FROM event_outbox WHERE stream_name = 'caracal.audit.events' ORDER BY created_at, id"))
            .Select(row => JsonDocument.Parse(JsonDocument.Parse(row["payload_json"]!).RootElement.GetProperty("data").GetString()!).RootElement)
            .Where(data => data.GetProperty("event_type").GetString() == "control.invoke")];

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        _key.Dispose();
        _foreign.Dispose();
        _folder.Delete(recursive: true);
    }
}
