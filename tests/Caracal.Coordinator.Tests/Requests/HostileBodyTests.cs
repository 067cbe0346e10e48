using System.Text;
using System.Text.Json;
using Caracal.Coordinator.Delegations;
using Caracal.Coordinator.Requests;
using Caracal.Coordinator.Sessions;
using Microsoft.AspNetCore.Http;

namespace Caracal.Coordinator.Tests.Requests;

/// <summary>Whatever arrives, a body is read or refused; it never throws.</summary>
public sealed class HostileBodyTests
{
    private static readonly string[] Members =
    [
        "application_id", "labels", "metadata", "ttl_seconds", "lifecycle", "parent_id", "subject_authority", "constraints", "constraints_json",
        "scopes", "expires_at", "source_session_id", "target_session_id", "issuer_application_id", "receiver_application_id", "resource_id",
    ];

    private static readonly string[] Values =
    [
        "null", "true", "1", "-1", "1.5", "1e400", "99999999999999999999", "\"\"", "\"x\"", "\"task\"", "\"2030-01-01T00:00:00Z\"", "\"9999-99-99T99:99:99Z\"",
        "[]", "[1]", "[\"a\",\"\"]", "[[]]", "{}", "{\"max_hops\":1e9}", "{\"a\":{\"a\":{}}}", "\"\\u0000\"", "\"\\ud800\"", "\"\\u00e9\"", "{\"\\u0000\":1}",
    ];

    [Fact]
    public async Task Reads_or_refuses_every_combination_of_members()
    {
        var random = new Random(20_260_711);
        for (var i = 0; i < 20_000; i++)
        {
            var members = Enumerable.Range(0, random.Next(0, 8)).Select(_ => $"\"{Members[random.Next(Members.Length)]}\":{Values[random.Next(Values.Length)]}");
            var (body, refusal) = await ReadAsync(Encoding.UTF8.GetBytes($"{{{string.Join(',', members)}}}"));
            if (refusal is null)
            {
                StartRequest.Read(body);
                DelegationRequest.Read(body);
            }
        }
    }

    [Fact]
    public async Task Reads_or_refuses_mangled_bytes()
    {
        var random = new Random(42);
        var good = """{"application_id":"app1","labels":["a","b"],"metadata":{"n":1.5,"é":"\u00e9"}}"""u8.ToArray();
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = good.ToArray();
            for (var flips = random.Next(1, 6); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var (body, refusal) = await ReadAsync(bytes[..random.Next(bytes.Length)]);
            if (refusal is null)
            {
                StartRequest.Read(body);
            }
        }
    }

    [Fact]
    public async Task Survives_deep_nesting()
    {
        var (_, refusal) = await ReadAsync(Encoding.UTF8.GetBytes(new string('[', 100_000)));
        Assert.Same(CoordinatorErrors.InvalidRequest, refusal);
    }

    private static Task<(JsonElement Body, Protocol.Refusal? Refusal)> ReadAsync(byte[] bytes)
    {
        var context = new DefaultHttpContext();
        context.Request.Body = new MemoryStream(bytes);
        context.Request.ContentType = "application/json; charset=UTF-8";
        return RequestBody.ReadAsync(context.Request, 262_144, default);
    }
}
