using System.Text.Json.Nodes;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Hardening;

/// <summary>One running instance as its heartbeat tells of it.</summary>
/// <param name="Service">Its role.</param>
/// <param name="Instance">Its id.</param>
/// <param name="Address">Where it listens; null where it did not say.</param>
/// <param name="Current">Secret id of the current key of each class that it holds.</param>
internal sealed record LiveInstance(string Service, string Instance, Uri? Address, IReadOnlyDictionary<string, string> Current)
{
    public string Name => $"{Service}/{Instance}";
}

/// <summary>Every instance that lives, also those behind one address (<c>GET /v1/operations/instances</c>).</summary>
internal static class LiveInstances
{
    /// <summary>Empty where there is no API or no token to ask it with: others complain of that.</summary>
    public static async Task<IReadOnlyList<LiveInstance>> ListAsync(Deployment deployment, CancellationToken stop)
    {
        if (deployment.Services.Token(SecretFiles.AdminToken) is not { } token) return [];
        var reply = await deployment.Services.AskAsync(StackRoles.Api, "/v1/operations/instances", stop, token);
        if (reply.Status != 200 || LiveServices.Json(reply.Body)?["items"] is not JsonArray items) return [];
        return [.. items.OfType<JsonObject>().Where(item => (bool?)item["live"] == true).Select(Of)];
    }

    private static LiveInstance Of(JsonObject item) => new(
        (string)item["service"]!,
        (string)item["instance"]!,
        Uri.TryCreate((string?)item["address"], UriKind.Absolute, out var address) ? address : null,
        (item["key_slots"] as JsonObject ?? []).Where(slots => (string?)slots.Value?["current"] is not null)
            .ToDictionary(slots => slots.Key, slots => (string)slots.Value!["current"]!, StringComparer.Ordinal));
}
