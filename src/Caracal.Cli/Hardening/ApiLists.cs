using System.Text.Json.Nodes;
using Caracal.Stack;

namespace Caracal.Cli.Hardening;

/// <summary>Whole lists of the API, page by page.</summary>
internal static class ApiLists
{
    private const int PageSize = 100;

    /// <summary>The ids of the zones that are looked at; one that was named and is not there is a fault.</summary>
    public static async Task<List<string>> ZonesAsync(Deployment deployment, string token, Verdict verdict, CancellationToken stop)
    {
        if (deployment.Zone is not { } one) return [.. (await ReadAsync(deployment, "/v1/zones", token, verdict, stop)).Select(zone => (string)zone["id"]!)];
        var reply = await deployment.Services.AskAsync(StackRoles.Api, $"/v1/zones/{Uri.EscapeDataString(one)}", stop, token);
        if (reply.Status == 200) return [one];
        if (reply.Answered) verdict.Fail($"the API answers {reply.Status} to zone {one}");
        else verdict.Unseen(reply.Body);
        return [];
    }

    /// <summary>Every item; what the API does not answer is unseen to the verdict.</summary>
    public static async Task<List<JsonNode>> ReadAsync(Deployment deployment, string path, string token, Verdict verdict, CancellationToken stop)
    {
        var items = new List<JsonNode>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = $"{path}?limit={PageSize}" + (cursor.Length > 0 ? "&cursor=" + Uri.EscapeDataString(cursor) : "");
            var reply = await deployment.Services.AskAsync(StackRoles.Api, page, stop, token);
            if (reply.Status != 200)
            {
                verdict.Unseen(reply.Answered ? $"the API answers {reply.Status} to {path}" : reply.Body);
                break;
            }

            var root = JsonNode.Parse(reply.Body)!;
            items.AddRange((root as JsonArray ?? root["items"]?.AsArray() ?? []).OfType<JsonNode>());
            cursor = root is JsonObject paged ? (string?)paged["next_cursor"] : null;
        }

        return items;
    }
}
