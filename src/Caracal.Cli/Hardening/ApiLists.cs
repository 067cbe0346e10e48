using System.Text.Json.Nodes;
using Caracal.Stack;

namespace Caracal.Cli.Hardening;

/// <summary>Whole lists of the API, page by page.</summary>
internal static class ApiLists
{
    private const int PageSize = 100;

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
