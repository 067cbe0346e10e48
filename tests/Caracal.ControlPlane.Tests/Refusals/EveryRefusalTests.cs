using Caracal.ControlPlane.OpenApi;
using Caracal.TestKit;

namespace Caracal.ControlPlane.Tests.Refusals;

/// <summary>
/// Every refusal that operations.txt, and with it the OpenAPI document, names for a route is brought about here, and no route
/// gives one that it does not name: a new route, or a new code of one, cannot stay without a test.
/// </summary>
public sealed class EveryRefusalTests
{
    // What no caller can bring about on purpose.
    private static readonly HashSet<string> OnlyByFault =
    [
        "activatePolicySet 409 referenced_policy_version_missing", // Versions are never deleted; a database that lost one.
        "rollbackPolicySet 409 referenced_policy_version_missing",
        "createProvider 502 secret_backend_unavailable",
    ];

    [Theory]
    [InlineData(Engine.Sqlite)]
    [InlineData(Engine.Postgres)]
    public async Task Every_refusal_that_is_documented_happens_and_no_other(Engine engine)
    {
        await using var outside = await AuthorizationServer.StartAsync();
        await using var api = await ApiHost.StartAsync(
            new Dictionary<string, string?> { ["API_MAX_RESOURCES_PER_ZONE"] = "4" }, engine: engine, http: outside.Client);
        var record = new RefusalRecord(api);
        await GenericRefusals.BringAboutAsync(record);
        await AccessRefusals.BringAboutAsync(record);
        await ApplicationRefusals.BringAboutAsync(record);
        await ProviderRefusals.BringAboutAsync(record, outside);
        await ProviderCredentialRefusals.BringAboutAsync(record);
        await ResourceRefusals.BringAboutAsync(record, outside);
        await PolicyRefusals.BringAboutAsync(record);
        await RotationRefusals.BringAboutAsync(record);

        await using var alone = await ApiHost.StartAsync(
            new Dictionary<string, string?> { ["CARACAL_ADMIN_TOKEN"] = null }, engine: engine, shared: new AwayState());
        var second = new RefusalRecord(alone);
        await OutageRefusals.BringAboutAsync(second, record);

        var documented = DocumentedOperations.Load().All.Where(operation => operation.Path != "/v1/control/invoke")
            .SelectMany(operation => operation.Refusals.Select(refusal => $"{operation.Id} {refusal.Status} {refusal.Code}")).ToHashSet();
        var anyCall = DocumentedOperations.OfAnyCall.Select(refusal => $"{refusal.Status} {refusal.Code}").ToHashSet();
        var seen = record.Seen.Concat(second.Seen).ToHashSet();
        List<string> undocumented = [.. seen.Where(one => !documented.Contains(one) && !anyCall.Contains(one[(one.IndexOf(' ', StringComparison.Ordinal) + 1)..])).Order()];
        List<string> missing = [.. documented.Except(seen).Except(OnlyByFault).Order()];
        Assert.True(undocumented.Count == 0 && missing.Count == 0, $"not documented:\n{string.Join('\n', undocumented)}\nwithout a test:\n{string.Join('\n', missing)}");
    }
}
