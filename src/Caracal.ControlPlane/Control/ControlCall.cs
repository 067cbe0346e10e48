using System.Text.Json.Nodes;
using Caracal.Authority.AdminAccess;
using Caracal.ControlPlane.Http;

namespace Caracal.ControlPlane.Control;

/// <summary>One command on its way: who, where, with which flags, and the ways out.</summary>
internal sealed class ControlCall(ApiCall invoke, ControlSubject subject, AdminCaller caller, ControlFlags flags, ManagementCalls management, CoordinatorCalls coordinator)
{
    private const int PageSize = 500;

    public ControlFlags Flags { get; } = flags;

    public ControlSubject Subject { get; } = subject;

    public string ZoneId => Subject.ZoneId;

    /// <summary>A zone's route; nothing is sent while a flag has a problem.</summary>
    public Task<ControlOutcome> SendAsync(string method, string[] path, JsonNode? body = null, IEnumerable<KeyValuePair<string, string?>>? query = null) =>
        RunAsync(async () => (await ReplyAsync(method, path, body, query)).ToOutcome());

    /// <summary>A route outside the zones.</summary>
    public Task<ControlOutcome> SendGloballyAsync(string method, string[] path, JsonNode? body) =>
        RunAsync(async () => (await management.SendAsync(invoke, Bound(), ZoneId, method, ["", "v1", .. path], null, body)).ToOutcome());

    /// <summary>A whole collection, page by page; with <paramref name="most"/> no more than that.</summary>
    public Task<ControlOutcome> ListAsync(string[] path, IEnumerable<KeyValuePair<string, string?>>? query = null, long? most = null) => RunAsync(async () =>
    {
        var all = new JsonArray();
        var failed = await CollectAsync(path, query, most, all);
        return failed?.ToOutcome() ?? ControlOutcome.Done(all);
    });

    public Task<ControlOutcome> CoordinateAsync(string method, string[] path) =>
        RunAsync(async () => (await coordinator.SendAsync(method, ZoneId, path, invoke.RequestId, invoke.Cancelled)).ToOutcome());

    /// <summary>The answer itself, for commands that make more than one call.</summary>
    public Task<ManagementReply> ReplyAsync(string method, string[] path, JsonNode? body = null, IEnumerable<KeyValuePair<string, string?>>? query = null)
    {
        // Only a global caller sees traits, and Control has to tell control keys from other applications.
        var reads = method == "GET" && path is ["applications", ..];
        var as_ = reads ? caller : Bound();
        return management.SendAsync(invoke, as_, ZoneId, method, ["", "v1", "zones", ZoneId, .. path], query, body);
    }

    /// <summary>Adds every row to <paramref name="into"/>; what failed, or null.</summary>
    public async Task<ManagementReply?> CollectAsync(string[] path, IEnumerable<KeyValuePair<string, string?>>? query, long? most, JsonArray into)
    {
        var filters = query?.ToList() ?? [];
        string? cursor = null;
        do
        {
            var limit = Math.Min(PageSize, (most ?? long.MaxValue) - into.Count);
            var reply = await ReplyAsync(
                "GET", path, null,
                [.. filters, KeyValuePair.Create("limit", (string?)limit.ToString(System.Globalization.CultureInfo.InvariantCulture)), KeyValuePair.Create("cursor", cursor)]);
            if (!reply.Succeeded) return reply;
            foreach (var row in reply.Body!["items"]!.AsArray()) into.Add(row?.DeepClone());
            cursor = reply.Body["next_cursor"]?.GetValue<string>();
        }
        while (cursor is not null && (most is null || into.Count < most));

        return null;
    }

    private AdminCaller Bound() => caller with { ZoneId = ZoneId };

    private async Task<ControlOutcome> RunAsync(Func<Task<ControlOutcome>> run) =>
        Flags.Problem is { } problem ? ControlOutcome.Invalid(problem) : await run();
}
