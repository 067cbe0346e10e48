using System.Text;
using System.Text.Json;
using Caracal.Keys.Signatures;
using Caracal.Protocol.Mandates;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

/// <summary>Requests that are made of the OpenAPI document, right in many ways and wrong in more, from one seed.</summary>
public sealed class HostileInputTests
{
    private const string Secret = "sup3rs3cr3t-marker";
    private const int ShortRun = 1_000;

    // What no answer and no log line may hold: texts of the engine room, and every secret that was sent or is configured.
    private static readonly string[] Forbidden =
        ["   at ", "Exception", "Npgsql", "Sqlite", "SELECT ", "INSERT ", "System.", Secret, ApiHost.AdminToken, ApiHost.AuditKeyHex, "8f3a1c5e7b9d0f21"];

    [Theory]
    [InlineData(Engine.Sqlite, 1)]
    [InlineData(Engine.Postgres, 2)]
    [InlineData(Engine.Postgres, 3)]
    public async Task Answers_every_request_with_an_answer_of_its_own(Engine engine, int seed)
    {
        var count = int.TryParse(Environment.GetEnvironmentVariable("CARACAL_HOSTILE_REQUESTS"), out var wanted) ? wanted : ShortRun / 2;
        var log = new StringWriter();
        var gate = Path.GetTempFileName();
        await using var api = await ApiHost.StartAsync(
            new Dictionary<string, string?>
            {
                ["CARACAL_CONTROL_ENABLED"] = "true",
                ["CONTROL_GATE_FILE"] = gate,
                ["STS_JWKS_URL"] = "http://localhost:8080/.well-known/jwks.json",
                ["STS_ISSUER_URL"] = "http://localhost:8080",
                ["CONTROL_API_TOKEN"] = ApiHost.AdminToken,
            },
            engine: engine, http: new HttpMessageInvoker(new NoNetwork()), log: TextWriter.Synchronized(log), zoneKeys: new NoKeys());
        var document = (await api.GetAsync("/openapi.json", token: null)).Json;
        var generator = new RequestGenerator(document, new Random(seed), Secret);
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var statuses = new SortedDictionary<int, int>();
        for (var i = 0; i < count; i++)
        {
            if (i % 250 == 0) await RenewAsync(api, generator);
            var (method, path, body, type, token) = generator.Next();
            var reply = await api.SendAsync(method, path, body, token, type);
            paths.Add(path.Split('?')[0]);
            statuses[reply.Status] = statuses.GetValueOrDefault(reply.Status) + 1;
            var where = $"seed {seed}, request {i}: {method} {path} {body?[..Math.Min(body.Length, 400)]} -> {reply.Status} {reply.Text[..Math.Min(reply.Text.Length, 400)]}";
            Assert.True(reply.Status < 500 || IsDocumentedUnavailability(reply), where);
            if (reply.Status < 400) generator.Learn(reply.Text);
            else Assert.True(reply.Text.Length == 0 || reply.Json.TryGetProperty("error", out _), where);
            if (reply.Status >= 400) Assert.False(Forbidden.Any(word => reply.Text.Contains(word, StringComparison.Ordinal)), where);

            // To reveal a secret to who may change its owner is what two routes are for.
            if (!path.EndsWith("secret", StringComparison.Ordinal)) Assert.False(reply.Text.Contains(Secret, StringComparison.Ordinal), where);
        }

        File.Delete(gate);
        Assert.Contains("/v1/control/invoke", paths);
        var lines = log.ToString();
        Assert.All(Forbidden[..8], word => Assert.DoesNotContain(word, lines, StringComparison.Ordinal));
        Assert.True(statuses.Keys.Count(status => status < 300) >= 3, string.Join(", ", statuses));
        TestContext.Current.TestOutputHelper?.WriteLine($"{engine}: {count} requests, {string.Join(", ", statuses.Select(entry => $"{entry.Key}: {entry.Value}"))}");
    }

    /// <summary>Nobody's key is known.</summary>
    private sealed class NoKeys : IZoneKeys
    {
        public ValueTask<EcPublicKey?> FindAsync(string zoneId, string keyId, CancellationToken cancellationToken) => ValueTask.FromResult<EcPublicKey?>(null);
    }

    // Outside is not there in this test, and the specification says how that is answered.
    private static bool IsDocumentedUnavailability(Reply reply) =>
        reply.Status == 502 && reply.Error is "provider_token_exchange_failed";

    // What earlier requests ended, archived or revoked is there again.
    private static async Task RenewAsync(ApiHost api, RequestGenerator generator)
    {
        var zone = await api.ZoneAsync("Hostile");
        var application = await api.ApplicationAsync(zone);
        var provider = await api.ProviderAsync(zone);
        generator.Zone = zone;
        generator.Tokens = [ApiHost.AdminToken, ApiHost.AdminToken, ApiHost.AdminToken, ApiHost.AdminToken, await api.TokenAsync(zone), await api.TokenAsync(zone, "read"), await api.TokenAsync(null, "approve"), "cat_nobody", null, ApiHost.AdminToken, ApiHost.AdminToken, ApiHost.AdminToken];
        generator.Ids = [application, provider];
    }
}

/// <summary>Makes requests from the document.</summary>
internal sealed class RequestGenerator(JsonElement document, Random random, string secret)
{
    private static readonly string[] Texts =
    [
        "", " ", "a", "pied-piper", "caracal.sys/x", "caracal-sys://x", "' OR 1=1 --", "\"; DROP TABLE zones; --", "../../etc/passwd", "<script>alert(1)</script>",
        "\u0000", "\ud83d\ude00", "\u202e\u0000x", "${jndi:ldap://x}", "{{7*7}}", "%s%n%x", "-1", "1e999", "9223372036854775808", "NaN", "true", "null",
        "2026-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "https://example.com/a", "http://127.0.0.1:1/", "https://169.254.169.254/latest",
        "file:///etc/passwd", "resource://a", "provider://a", "read", "a:b", "grant", "=cmd|' /C calc'!A0", "\r\nX-Injected: 1", new('x', 5000), new('\u00e9', 600),
    ];

    private readonly (string Method, string Path, JsonElement Operation)[] _operations =
        [.. document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(operation => (operation.Name.ToUpperInvariant(), path.Name, operation.Value)))];

    public string Zone { get; set; } = "";

    public List<string> Ids { get; set; } = [];

    public string?[] Tokens { get; set; } = [];

    public (string Method, string Path, string? Body, string Type, string? Token) Next()
    {
        var (method, path, operation) = _operations[random.Next(_operations.Length)];
        var place = new StringBuilder(path);
        var query = new List<string>();
        foreach (var parameter in operation.GetProperty("parameters").EnumerateArray())
        {
            var name = parameter.GetProperty("name").GetString()!;
            if (parameter.GetProperty("in").GetString() == "path") place.Replace($"{{{name}}}", Segment(name));
            else if (random.Next(3) == 0) query.Add($"{name}={Uri.EscapeDataString(QueryValue(parameter.GetProperty("schema")))}");
        }

        if (query.Count > 0 && random.Next(12) == 0) query.Add(query[0]);
        if (query.Count > 0) place.Append('?').AppendJoin('&', query);
        var body = operation.TryGetProperty("requestBody", out var expected) && random.Next(20) != 0
            ? Body(expected.GetProperty("content").GetProperty("application/json").GetProperty("schema"))
            : null;
        if (method == "GET") body = null;
        return (method, place.ToString(), body, random.Next(40) == 0 ? "text/plain" : "application/json", Tokens[random.Next(Tokens.Length)]);
    }

    /// <summary>Takes ids over from an answer, so that later requests reach further.</summary>
    public void Learn(string text)
    {
        if (!text.StartsWith('{')) return;
        using var answer = JsonDocument.Parse(text);
        foreach (var name in (string[])["id", "version_id"])
        {
            if (answer.RootElement.TryGetProperty(name, out var id) && id.ValueKind == JsonValueKind.String && Ids.Count < 400) Ids.Add(id.GetString()!);
        }
    }

    private string Segment(string name) => random.Next(24) switch
    {
        0 => Uri.EscapeDataString(Texts[random.Next(Texts.Length)]) is { Length: > 0 and < 2000 } text ? text : "x",
        1 => "%ff%fe",
        _ => name == "zoneId" ? Zone : Ids[random.Next(Ids.Count)],
    };

    private string QueryValue(JsonElement schema) =>
        random.Next(3) == 0 ? Texts[random.Next(Texts.Length)] : Valid(schema, 0) is { } value ? value.Trim('"') : "x";

    private string Body(JsonElement schema) => random.Next(12) switch
    {
        0 => (string[])["{", "", "[]", "null", "1", "\"x\"", "{\"a\":", "\u0001", "{\"__proto__\":{}}", "{\"a\":\"\\ud800\"}", new string('[', 200) + new string(']', 200)] is var broken
            ? broken[random.Next(broken.Length)]
            : "",
        1 => Any(0),
        _ => Value(schema, 0),
    };

    // Mostly as documented; now and then something else in its place.
    private string Value(JsonElement schema, int depth) => random.Next(14) == 0 ? Any(depth) : Valid(schema, depth) ?? Any(depth);

    private string? Valid(JsonElement schema, int depth)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            return Valid(document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]), depth);
        }

        if (schema.TryGetProperty("anyOf", out var choices)) return Valid(choices[random.Next(choices.GetArrayLength())], depth);
        if (!schema.TryGetProperty("type", out var type)) return null;
        return type.GetString() switch
        {
            "string" when schema.TryGetProperty("enum", out var words) => words[random.Next(words.GetArrayLength())].GetRawText(),
            "string" when schema.TryGetProperty("format", out _) => "\"2026-01-01T00:00:00Z\"",
            "string" => Text(),
            "integer" => random.Next(3) == 0 ? random.NextInt64(long.MinValue, long.MaxValue).ToString() : random.Next(0, 100).ToString(),
            "boolean" => random.Next(2) == 0 ? "true" : "false",
            "array" => $"[{string.Join(',', Enumerable.Range(0, random.Next(0, 4)).Select(_ => Value(schema.GetProperty("items"), depth + 1)))}]",
            "object" when schema.TryGetProperty("properties", out var properties) => Object(schema, properties, depth),
            "object" => Config(),
            _ => "null",
        };
    }

    private string Object(JsonElement schema, JsonElement properties, int depth)
    {
        var required = schema.GetProperty("required").EnumerateArray().Select(name => name.GetString()).ToHashSet();
        var members = properties.EnumerateObject()
            .Where(member => required.Contains(member.Name) ? random.Next(15) != 0 : random.Next(2) == 0)
            .Select(member => $"{JsonSerializer.Serialize(member.Name)}:{(member.Name.Contains("secret", StringComparison.Ordinal) || member.Name.EndsWith("_token", StringComparison.Ordinal) ? $"\"{secret}-0123456789abcdefghijklmn\"" : Value(member.Value, depth + 1))}").ToList();
        if (random.Next(15) == 0) members.Add("\"surprise\":1");
        if (members.Count > 0 && random.Next(25) == 0) members.Add(members[0]);
        return $"{{{string.Join(',', members)}}}";
    }

    // Provider configurations, with secrets in them.
    private string Config() => random.Next(5) switch
    {
        0 => $$"""{"header_name":"X-Key","api_key":"{{secret}}"}""",
        1 => $$"""{"bearer_token":"{{secret}}"}""",
        2 => $$"""{"token_endpoint":"https://id.example/t","client_id":"c","client_secret":"{{secret}}"}""",
        3 => $$"""{"authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t","redirect_uri":"https://h.example/c","client_id":"c","client_secret":"{{secret}}"}""",
        _ => $$"""{"username":{{Text()}},"password":"{{secret}}"}""",
    };

    private string Text() => random.Next(5) switch
    {
        0 or 4 when Ids.Count > 0 => JsonSerializer.Serialize(Ids[random.Next(Ids.Count)]),
        1 or 3 => JsonSerializer.Serialize($"n{random.Next(100_000)}"),
        _ => JsonSerializer.Serialize(Texts[random.Next(Texts.Length)]),
    };

    private string Any(int depth) => random.Next(depth > 4 ? 5 : 8) switch
    {
        0 => "null",
        1 => "true",
        2 => (string[])["0", "-1", "1e400", "1.5", "99999999999999999999999"] is var numbers ? numbers[random.Next(numbers.Length)] : "0",
        3 or 4 => Text(),
        5 => $"[{Any(depth + 1)},{Any(depth + 1)}]",
        6 => $"{{{Text()}:{Any(depth + 1)}}}",
        _ => "{}",
    };
}
