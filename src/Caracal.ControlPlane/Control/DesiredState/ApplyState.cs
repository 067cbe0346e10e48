using System.Text.Json.Nodes;

namespace Caracal.ControlPlane.Control.DesiredState;

/// <summary>
/// <c>state apply|plan|verify</c> and <c>ensure</c>: each kind is listed once, objects converge in document order, pruning
/// comes last and from the referring side (control.md 6). The same document over the same zone gives the same report.
/// </summary>
internal static class ApplyState
{
    public static async Task<ControlOutcome> RunAsync(ControlCall call, bool alwaysDry)
    {
        if (DesiredDocument.Read(call.Flags, call.ZoneId, out var problem) is not { } document) return problem;
        return await ConvergeAsync(call, document, alwaysDry || call.Flags.IsSet("dry-run"));
    }

    public static async Task<ControlOutcome> EnsureAsync(ControlCall call, ObjectKind kind)
    {
        if (DesiredDocument.ReadSpec(call.Flags, kind, call.ZoneId, out var problem) is not { } document) return problem;
        return await ConvergeAsync(call, document, call.Flags.IsSet("dry-run"));
    }

    private static async Task<ControlOutcome> ConvergeAsync(ControlCall call, DesiredDocument document, bool dry)
    {
        if (call.Flags.Problem is { } problem) return ControlOutcome.Invalid(problem);
        if (MissingScope(call, document, dry) is { } missing) return ControlOutcome.Denied($"missing scope {missing}");
        var kinds = document.Objects.Select(item => item.Kind).Distinct().ToList();
        var rows = new Dictionary<string, List<JsonObject>>(StringComparer.Ordinal);
        foreach (var kind in kinds)
        {
            var all = new JsonArray();
            if (await call.CollectAsync([kind.Collection], null, null, all) is { } failed) return failed.ToOutcome();
            rows[kind.Name] = [.. all.OfType<JsonObject>().Where(kind.Counts)];
        }

        var outcomes = new List<ObjectOutcome>();
        foreach (var item in document.Objects) outcomes.Add(await ConvergeOneAsync(call, item, Find(rows[item.Kind.Name], item), dry));
        if (document.Prune) outcomes.AddRange(await PruneAsync(call, document, kinds, rows, dry));
        return ControlOutcome.Done(StateReport.Of(outcomes, dry, document.Prune, call.ZoneId));
    }

    private static string? MissingScope(ControlCall call, DesiredDocument document, bool dry) =>
        document.Objects.Select(item => item.Kind.Noun).Distinct()
            .SelectMany(noun => (string[])
            [
                $"control:{noun}:read",
                .. dry ? [] : new[] { $"control:{noun}:write" },
                .. document.Prune && !dry ? new[] { $"control:{noun}:delete" } : [],
            ])
            .FirstOrDefault(scope => !call.Subject.Scopes.Contains(scope));

    private static JsonObject? Find(IEnumerable<JsonObject> rows, DesiredObject item) => rows.FirstOrDefault(row => IdentityOf(item.Kind, row) == item.Identity);

    private static async Task<ObjectOutcome> ConvergeOneAsync(ControlCall call, DesiredObject item, JsonObject? row, bool dry)
    {
        var kind = item.Kind;
        if (row is null)
        {
            var planned = new ObjectOutcome(kind.Name, item.Identity, "create", [], null, Applied: false);
            if (dry) return planned;
            var created = await call.ReplyAsync("POST", [kind.Collection], kind.Create(item.Spec));
            return created.Succeeded ? planned with { Applied = true, Id = created.Body!["id"]!.GetValue<string>() } : planned.Failed(created.ToOutcome());
        }

        var id = row["id"]!.GetValue<string>();
        var unchanged = new ObjectOutcome(kind.Name, item.Identity, "unchanged", [], id, Applied: true);
        if (kind.ReadsEach)
        {
            var whole = await call.ReplyAsync("GET", [kind.Collection, id]);
            if (!whole.Succeeded) return unchanged.Failed(whole.ToOutcome());
            row = whole.Body!.AsObject();
        }

        var drift = kind.Drift(item.Spec, row);
        if (drift.Count == 0) return unchanged;
        var update = unchanged with { Action = "update", Drift = drift, Applied = false };
        if (kind.IsProtected(row)) return update.Failed(ControlOutcome.Denied("control keys are managed outside Control"));
        if (dry) return update;
        var (method, below, body) = kind.Update(item.Spec, drift);
        var reply = await call.ReplyAsync(method, [kind.Collection, id, .. below], body);
        return reply.Succeeded ? update with { Applied = true } : update.Failed(reply.ToOutcome());
    }

    private static async Task<List<ObjectOutcome>> PruneAsync(
        ControlCall call, DesiredDocument document, IEnumerable<ObjectKind> kinds, Dictionary<string, List<JsonObject>> rows, bool dry)
    {
        var outcomes = new List<ObjectOutcome>();
        foreach (var kind in kinds.OrderBy(kind => kind.PruneOrder))
        {
            var declared = document.Objects.Where(item => item.Kind == kind).Select(item => item.Identity).ToHashSet(StringComparer.Ordinal);
            var strays = rows[kind.Name].Where(row => !declared.Contains(IdentityOf(kind, row)) && !kind.IsProtected(row));
            foreach (var row in strays.OrderBy(row => IdentityOf(kind, row), StringComparer.Ordinal))
            {
                var id = row["id"]!.GetValue<string>();
                var pruned = new ObjectOutcome(kind.Name, IdentityOf(kind, row), "prune", [], id, Applied: !dry);
                var reply = dry ? new ManagementReply(204, null) : await call.ReplyAsync("DELETE", [kind.Collection, id]);
                outcomes.Add(reply.Succeeded ? pruned : pruned.Failed(reply.ToOutcome()));
            }
        }

        return outcomes;
    }

    private static string IdentityOf(ObjectKind kind, JsonObject row) => ObjectKinds.Text(row, kind.IdentityField) ?? "";
}
