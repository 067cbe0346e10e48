using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage.Instances;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>The rotation of key material.</summary>
internal static class RotationRefusals
{
    private const string All = "/v1/operations/rotations";
    private const string Old = "sid_00000000000000a1";

    public static async Task BringAboutAsync(RefusalRecord record)
    {
        var now = TimeProvider.System.GetUtcNow();
        await record.PostAsync(All, Body("no-such", "sid_00000000000000b2"));
        await record.PostAsync(All, Body("streams-hmac", "sid_00000000000000b2"));
        await SignsWithAsync(record, Old, now);
        await record.Api.Database.WriteAsync(work => KeyRegistryStore.AddAsync(work, "streams-hmac", "", Old, "active", null, now));
        await record.PostAsync(All, Body("streams-hmac", Old));
        var id = await record.MakeAsync(All, Body("streams-hmac", "sid_00000000000000b2"));
        await record.PostAsync(All, Body("streams-hmac", "sid_00000000000000c3"));
        await record.PostAsync($"{All}/{id}/advance", """{"to":"retired"}""");
        await record.PostAsync($"{All}/{id}/advance", """{"to":"deployed"}""");
        await record.PostAsync($"{All}/{id}/rollback", """{"reason":"the tests go back"}""");
        var console = ConsoleTokens.Write(new SecretText(ApiHost.AdminToken));
        await record.PostAsync(All, "{}", console);
        foreach (var word in (string[])["advance", "verify", "rollback", "abort"]) await record.PostAsync($"{All}/{id}/{word}", "{}", console);

        await SignsWithAsync(record, "sid_00000000000000b2", now);
        await record.PostAsync($"{All}/{id}/abort", """{"reason":"the tests go back"}""");

        // Rolled so long ago that nobody may go back.
        await record.Api.Database.WriteAsync(async work =>
        {
            var row = (await RotationStore.FindAsync(work.Connection, id))!;
            await RotationStore.UpdateAsync(work, row with { State = "rolled", RolledAt = now.AddDays(-30) });
        });
        await record.PostAsync($"{All}/{id}/rollback", """{"reason":"the tests go back"}""");
        await record.PostAsync($"{All}/{id}/abort", """{"reason":"the tests go back"}""");
    }

    private static Task SignsWithAsync(RefusalRecord record, string sid, DateTimeOffset now)
    {
        var slots = $$"""{"streams-hmac":{"current":"{{sid}}","next":null,"previous":[]} }""";
        return record.Api.Database.WriteAsync(work => HeartbeatStore.BeatAsync(
            work, new Heartbeat { Service = "api", Instance = "h", Version = "t", Mode = "dev", Address = null, StartedAt = now, KeySlots = slots }, now));
    }

    public static string Body(string name, string sid) =>
        $$"""{"class":"{{name}}","to_sid":"{{sid}}","location":"file:/s/k.next","reason_kind":"scheduled","reason":"quarterly rotation","actor":"ops@example.com"}""";
}
