using System.Text.Json.Nodes;
using Caracal.Cli.Client;
using Caracal.Cli.CommandLine;
using Caracal.Cli.KeyRotation;

namespace Caracal.Cli.Incidents;

/// <summary><c>caracal incident</c>: what one does first when something is wrong (operations.md 10).</summary>
internal static class IncidentCommand
{
    private const int ShortestReason = 10;

    private static readonly (string Member, string Word)[] Counts =
        [("sessions", "sessions"), ("delegations", "delegations"), ("authority_records", "authority records"), ("connections", "provider connections")];

    private static readonly (string Flag, string Member)[] Named =
        [("subject", "subject_id"), ("application", "application_id"), ("session", "session_id"), ("delegation", "delegation_id"), ("record", "authority_record_id")];

    private static readonly (string Flag, string Member)[] Filters =
        [("label", "label"), ("lifecycle", "lifecycle"), ("started-after", "started_after"), ("started-before", "started_before")];

    private const string Forms =
        """
        usage: caracal incident freeze ZONE --reason TEXT
               caracal incident thaw ZONE
               caracal incident revoke ZONE --reason TEXT [--dry-run] [--json]
                      --subject S | --application A | --session ID | --delegation ID | --record ID
                      | [--label L] [--lifecycle task|service] [--started-after T] [--started-before T]
               caracal incident evidence ZONE --since T --until T --out DIR [--data DIR]
        """;

    public static Command Descriptor { get; } = new(
        "incident", CommandGroup.Operations, "freeze a zone, revoke authority, gather evidence",
        Forms + """


        freeze     puts a policy in charge that allows nothing, then ends every session, delegation and authority record
                   of the zone. What was in charge is remembered in CARACAL_HOME/incidents. Run again, it does so again.
        thaw       puts it back. What ended stays ended: agents start anew.
        revoke     ends what you name, and everything that came of it, then asks every Gateway whether it knows. Exit 1 if one
                   does not within 5 s. --dry-run says how much would end. At last it lists what caracal run gives the zone's workloads:
                   a credential that a process had outlives its authority, change it at its provider.
        evidence   a folder with the zone's events of the time, the result of verifying the ledger, keys, instances and
                   rotations, and SHA256SUMS over all of it. Existing folders are refused.
        A suspected key is rotated by caracal keys rotate CLASS --emergency --reason-kind compromise.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Terminal.Quiet = context.Json;
        context.Arguments.RequireKnown(
            "reason", "dry-run", "json", "subject", "application", "session", "delegation", "record", "label", "lifecycle", "started-after", "started-before",
            "since", "until", "out", "data");
        if (context.Arguments.Operands is not [var what, var zone]) throw new CommandFailure(Forms);
        if (what == "evidence") return await EvidencePack.WriteAsync(context, zone);
        if (what is not ("freeze" or "thaw" or "revoke")) throw new CommandFailure(Forms);
        using var api = new KeysApi(context);
        if (what == "thaw") return await new ZoneFreeze(context, api, zone).ThawAsync();
        var reason = context.Arguments.Value("reason");
        if (reason is null || reason.Trim().Length < ShortestReason) throw new CommandFailure($"--reason must say why, in at least {ShortestReason} characters; it stands in the ledger");
        return what == "freeze" ? await new ZoneFreeze(context, api, zone).FreezeAsync(reason) : await RevokeAsync(context, api, zone, reason);
    }

    private static async Task<int> RevokeAsync(CommandContext context, KeysApi api, string zone, string reason)
    {
        var body = Target(context.Arguments);
        body["reason"] = reason;
        if (context.Arguments.IsOn("dry-run")) body["dry_run"] = true;
        var ended = (await api.PostAsync($"/v1/zones/{Uri.EscapeDataString(zone)}/kill-switch", body, context.Stop)).Require("revocation");
        if (context.Json) context.Terminal.Line(ended.Text);
        else context.Terminal.Success($"{(context.Arguments.IsOn("dry-run") ? "would end" : "ended")}: {Counted(ended)}");
        if (!context.Arguments.IsOn("dry-run") && context.Arguments.Value("application") is not null)
        {
            context.Terminal.Warning("its secret still authenticates it: rotate it");
        }

        if (context.Arguments.IsOn("dry-run")) return 0;
        if (!context.Json) await TellInjectedAsync(context, api, zone);
        return await RevocationProof.ConfirmAsync(context, api, RevocationProof.Anchors(ended.Body)) ? 0 : 1;
    }

    // The kill switch cannot reach into a process that has its credential already (operations.md 10).
    private static async Task TellInjectedAsync(CommandContext context, KeysApi api, string zone)
    {
        var rows = new List<IReadOnlyList<string?>>();
        string? cursor = null;
        do
        {
            var page = (await api.GetAsync($"/v1/zones/{Uri.EscapeDataString(zone)}/workloads{(cursor is null ? "" : $"?cursor={Uri.EscapeDataString(cursor)}")}", context.Stop)).Require("workloads").Body;
            foreach (var workload in page.GetProperty("items").EnumerateArray())
            {
                rows.AddRange(workload.GetProperty("bindings").EnumerateArray().Select(binding => (IReadOnlyList<string?>)
                    [workload.GetProperty("name").GetString(), binding.GetProperty("env").GetString(), binding.GetProperty("resource").GetString()]));
            }

            cursor = page.TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        if (rows.Count == 0) return;
        context.Terminal.Warning("processes under caracal run may hold these; change them at their providers:");
        context.Terminal.Table(["WORKLOAD", "VARIABLE", "RESOURCE"], rows);
    }

    /// <summary>What an answer of the kill switch says it ended.</summary>
    public static string Counted(WireAnswer ended) => string.Join(", ", Counts.Select(part => $"{ended.Body.GetProperty(part.Member)} {part.Word}"));

    private static JsonObject Target(Arguments flags)
    {
        var body = new JsonObject();
        foreach (var (flag, member) in Named)
        {
            if (flags.Value(flag) is { } value) body[member] = value;
        }

        var filter = new JsonObject();
        foreach (var (flag, member) in Filters)
        {
            if (flags.Value(flag) is { } value) filter[member] = value;
        }

        if (filter.Count > 0) body["filter"] = filter;
        return body.Count == 1 ? body : throw new CommandFailure("say what to revoke: one of --subject, --application, --session, --delegation, --record, or a filter");
    }
}
