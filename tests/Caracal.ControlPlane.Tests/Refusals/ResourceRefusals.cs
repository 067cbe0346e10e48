namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>Resources and their operations.</summary>
internal static class ResourceRefusals
{
    public static async Task BringAboutAsync(RefusalRecord record, AuthorizationServer outside)
    {
        var zone = await record.Api.ZoneAsync("Resources");
        var path = $"/v1/zones/{zone}/resources";
        var token = await record.Api.TokenAsync(zone);
        var none = await record.Api.ProviderAsync(zone);
        var guarded = await record.MakeAsync($"/v1/zones/{zone}/providers", """{"name":"m","kind":"caracal_mandate"}""");
        string Body(string more, string provider = "") =>
            $$"""{"name":"x","upstream_url":"https://u.example","scopes":["a:b"],"credential_provider_id":"{{(provider.Length > 0 ? provider : none)}}"{{more}}}""";
        var one = await record.MakeAsync(path, Body("", guarded));
        var two = await record.MakeAsync(path, Body(",\"identifier\":\"resource://two\""));
        await record.SendAsync("PATCH", $"{path}/{one}", "{}");
        foreach (var more in (string[])
        [
            "\"identifier\":\"no uri\"", "\"identifier\":\"resource://two\"", "\"identifier\":\"caracal-sys://x\"", "\"identifier\":\"caracal-control\"",
            "\"credential_provider_id\":null", "\"credential_provider_id\":\"missing\"", "\"upstream_url\":null", Operation("", "/x", "a:b"), Operation("get", "x", "a:b"),
            Operation("get", "/x", "other"), Operation("get", "/x", "a:b", twice: true),
        ])
        {
            await record.PostAsync(path, Merge(Body(""), more), token);
            await record.SendAsync("PATCH", $"{path}/{one}", $"{{{more}}}", token);
        }

        outside.Answer = context => AuthorizationServer.JsonAsync(context, 200, "{}");
        await record.PostAsync(path, Body(",\"check\":true"));
        await record.PostAsync(path, Body(",\"check\":true", guarded));
        await record.PostAsync($"{path}/{two}/test");
        for (var i = 0; i < 11; i++) await record.PostAsync($"{path}/{one}/test");
        await record.PostAsync(path, Body(",\"check\":true", guarded));
        await record.MakeAsync(path, Body(""));
        await record.MakeAsync(path, Body(""));
        await record.PostAsync(path, Body(""));
        await ControlAsync(record, zone, path);
    }

    // The resource of the Control plugin comes with the first application that may call it.
    private static async Task ControlAsync(RefusalRecord record, string zone, string path)
    {
        await record.PostAsync($"/v1/zones/{zone}/applications", """{"name":"c","registration_method":"managed","traits":["control:invoke"]}""");
        var control = (await record.SendAsync("GET", path)).Json.GetProperty("items").EnumerateArray()
            .Single(row => row.GetProperty("identifier").GetString() == "caracal-control").GetProperty("id").GetString();
        await record.SendAsync("DELETE", $"{path}/{control}");
    }

    private static string Operation(string method, string path, string scope, bool twice = false)
    {
        var one = $$"""{"method":"{{method}}","path":"{{path}}","scope":"{{scope}}"}""";
        return $"\"operations\":[{one}{(twice ? "," + one : "")}]";
    }

    // A later member takes the place of an earlier one of its name.
    private static string Merge(string body, string member)
    {
        var node = System.Text.Json.Nodes.JsonNode.Parse(body)!.AsObject();
        foreach (var (name, value) in System.Text.Json.Nodes.JsonNode.Parse($"{{{member}}}")!.AsObject()) node[name] = value?.DeepClone();
        return node.ToJsonString();
    }
}
