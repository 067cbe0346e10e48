namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>The second credential of a provider.</summary>
internal static class ProviderCredentialRefusals
{
    private static readonly string[] Steps = ["stage", "canary", "shift", "retire", "fall-back", "discard"];

    public static async Task BringAboutAsync(RefusalRecord record)
    {
        var zone = await record.Api.ZoneAsync("Credentials");
        var providers = $"/v1/zones/{zone}/providers";
        var plain = await record.MakeAsync(providers, """{"name":"plain","kind":"none"}""");
        var id = await record.MakeAsync(providers, """{"name":"key","kind":"api_key","config_json":{"header_name":"x-key","api_key":"k"}}""");
        var path = $"{providers}/{id}/credential";
        var reserved = await record.MakeAsync(
            providers, """{"identifier":"provider://caracal-sys-x","kind":"api_key","config_json":{"header_name":"x-key","api_key":"k"}}""");
        await StageAsync($"{providers}/{plain}/credential", "a");
        await StageAsync($"{providers}/{reserved}/credential", "a");
        await ResourceAsync(reserved);
        await record.PostAsync($"{path}/stage", """{"config_json":{"header_name":"x-other"}}""");
        await record.PostAsync($"{path}/stage", "{}");
        foreach (var step in Steps) await record.PostAsync($"{path}/{step}", "{}");
        foreach (var step in Steps[1..]) await record.PostAsync($"{path}/{step}", """{"version":0}""");
        await StageAsync(path, "a");
        await StageAsync(path, "b");
        await record.SendAsync("PATCH", $"{providers}/{id}", """{"config_json":{"header_name":"x-key"}}""");
        await record.PostAsync($"{path}/canary", "{}");
        await record.PostAsync($"{path}/canary", """{"resource_id":"missing"}""");
        await record.PostAsync($"{path}/shift", "{}");
        foreach (var step in Steps[1..]) await record.PostAsync($"{path}/{step}", """{"version":7}""");
        await ResourceAsync(id);
        await record.PostAsync($"{path}/canary", """{"version":7}""");
        var token = await record.Api.TokenAsync(zone);
        foreach (var step in Steps)
        {
            await record.PostAsync($"{providers}/{reserved}/credential/{step}", step == "stage" ? """{"config_json":{"api_key":"b"}}""" : "{}", token);
        }

        await BreakSealAsync(record, id);
        await record.PostAsync($"{path}/canary", "{}");
        await record.PostAsync($"{path}/shift", """{"force":true}""");
        await record.PostAsync($"{path}/discard", "{}");
        await record.SendAsync("PATCH", $"{providers}/{id}", """{"kind":"api_key","config_json":{"header_name":"x-key","api_key":"k"}}""");
        await StageAsync(path, "a");
        await record.PostAsync($"{path}/shift", """{"force":true}""");
        await record.PostAsync($"{path}/retire", "{}");
        await BreakSealAsync(record, id);
        await record.PostAsync($"{path}/fall-back", "{}");
        await record.PostAsync($"{path}/retire", """{"force":true}""");
        await StageAsync(path, "a");
        for (var i = 0; i < 11; i++) await record.PostAsync($"{path}/canary", "{}");

        Task<Reply> StageAsync(string at, string key) => record.PostAsync($"{at}/stage", $$$"""{"config_json":{"api_key":"{{{key}}}"}}""");

        Task<string> ResourceAsync(string provider) => record.MakeAsync(
            $"/v1/zones/{zone}/resources",
            $$"""{"name":"r {{provider}}","upstream_url":"https://up.example","scopes":["a:b"],"credential_provider_id":"{{provider}}","operations":[{"method":"GET","path":"/r","scope":"a:b"}]}""");
    }

    private static Task BreakSealAsync(RefusalRecord record, string id) => record.Api.ExecuteAsync(
        $"UPDATE secret_store SET envelope = {(record.Api.Database.Dialect.Name == "sqlite" ? "x'00'" : "'\\x00'")} WHERE ref LIKE '%{id}%'");
}
