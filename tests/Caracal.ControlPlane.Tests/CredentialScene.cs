using System.Text.Json;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Protocol.Exchange;
using Caracal.Storage.Custody;
using Caracal.Streams.State;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests;

/// <summary>A provider with a credential in use, a resource of it, and its upstream.</summary>
internal sealed record CredentialScene(ApiHost Api, AuthorizationServer Upstream, InProcessState State, MovableTime Time, string Zone, string Id) : IAsyncDisposable
{
    public static async Task<CredentialScene> StartAsync(
        Engine engine = Engine.Sqlite, string kind = "api_key", string config = """{"header_name":"x-key","api_key":"old-key-value"}""", TextWriter? log = null,
        string identifier = "")
    {
        var time = new MovableTime { TimersStand = true };
        var upstream = await AuthorizationServer.StartAsync();
        var state = new InProcessState(time);
        var api = await ApiHost.StartAsync(time: time, engine: engine, http: upstream.Client, shared: state, log: log);
        var zone = await api.ZoneAsync();
        var id = (await api.PostAsync($"/v1/zones/{zone}/providers", $$"""{"name":"p","identifier":"{{identifier}}","kind":"{{kind}}","config_json":{{config}}}""")).Get("id");
        var resource = await api.PostAsync(
            $"/v1/zones/{zone}/resources",
            $$"""{"name":"r","upstream_url":"https://up.example/api","scopes":["a:b"],"credential_provider_id":"{{id}}","operations":[{"method":"GET","path":"/reports","scope":"a:b"}]}""");
        Assert.Equal(201, resource.Status);
        return new CredentialScene(api, upstream, state, time, zone, id);
    }

    public string Path => $"/v1/zones/{Zone}/providers/{Id}";

    public Task<Reply> PostAsync(string step, string body = "{}") => Api.PostAsync($"{Path}/credential/{step}", body);

    public Task<string?> InUseAsync() => OpenAsync("");

    /// <summary>The secret at one of the three places, opened as the STS would.</summary>
    public async Task<string?> OpenAsync(string place)
    {
        var reference = $"zones/{Zone}/providers/{Id}/secretConfig{place}";
        var envelope = await Api.Database.ReadAsync(connection => CustodyStore.FindAsync(connection, Zone, reference));
        if (envelope is null) return null;
        var kek = KekRing.Of(Convert.FromHexString("8f3a1c5e7b9d0f2143658709badcfe1032547698badcfe0123456789abcdef01"));
        Assert.Equal(Css1Outcome.Opened, Css1Envelope.Open(kek, reference, envelope, out var plaintext));
        using (plaintext)
        {
            using var document = JsonDocument.Parse(plaintext!.Memory);
            return document.RootElement.EnumerateObject().SingleOrDefault() is { Value.ValueKind: JsonValueKind.String } found ? found.Value.GetString() : null;
        }
    }

    /// <summary>What Gateways would have counted.</summary>
    public async Task CountAsync(int answers, int refusals)
    {
        var watch = new CredentialWatch(Id, 2, 0);
        for (var i = 0; i < answers; i++) await State.IncrementAsync(watch.AnswersKey, TimeSpan.FromDays(1), CancellationToken.None);
        for (var i = 0; i < refusals; i++) await State.IncrementAsync(watch.RefusalsKey, TimeSpan.FromDays(1), CancellationToken.None);
    }

    public async Task<string[]> EventsAsync()
    {
        var rows = await Api.RowsAsync("SELECT payload_json FROM event_outbox WHERE stream_name = 'caracal.audit.events' ORDER BY id");
        var events = rows.ConvertAll(row => JsonDocument.Parse(JsonDocument.Parse(row["payload_json"]!).RootElement.GetProperty("data").GetString()!).RootElement);
        return [.. events.Where(found => found.GetProperty("event_type").GetString() == "provider_credential")
            .Select(found => found.GetProperty("metadata_json").GetProperty("step").GetString()!)];
    }

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        await Upstream.DisposeAsync();
        State.Dispose();
    }
}
