using System.Data.Common;
using System.Text.Json;
using Caracal.Authority.Policies;
using Caracal.ControlPlane.Http;
using Caracal.Storage;
using Caracal.Storage.Policies;
using Caracal.Storage.PolicySets;

namespace Caracal.ControlPlane.PolicySets;

/// <summary>
/// <c>GET …/policy-sets/{id}/versions/{versionId}/diff?against=</c>: what changes when this version takes the other's place,
/// policy by policy and line by line. Without <c>against</c> it is compared with the active version.
/// </summary>
internal sealed class DiffPolicySet(Database database)
{
    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var against = call.Query.Text("against", 128);
        if (call.Query.Problem is { } problem) return problem;
        var found = await database.ReadSnapshotAsync(
            async connection =>
            {
                var set = await PolicySetStore.FindAsync(connection, call.ZoneId, call.Id);
                var from = against ?? set?.ActiveVersionId;
                var after = await PolicySetStore.FindVersionAsync(connection, call.Id, call.Parameters["versionId"]);
                var before = from is null ? null : await PolicySetStore.FindVersionAsync(connection, call.Id, from);
                return new Found(
                    set,
                    before,
                    after,
                    await ReadAsync(connection, call.ZoneId, before),
                    await ReadAsync(connection, call.ZoneId, after));
            },
            call.Cancelled);
        if (found.Set is null) return ControlPlaneErrors.PolicySetNotFound;
        if (against is null && found.Set.ActiveVersionId is null) return ControlPlaneErrors.ActivePolicySetVersionNotFound;
        if (found.Before is null || found.After is null) return ControlPlaneErrors.PolicySetVersionNotFound;
        return Answer.Ok(JsonRows.Object(writer => Write(writer, found)));
    }

    private async Task<IReadOnlyDictionary<string, Entry>> ReadAsync(DbConnection connection, string zoneId, PolicySetVersionRow? version)
    {
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        if (version is null) return entries;
        foreach (var row in await PolicyStore.FindVersionsAsync(connection, database.Dialect, PolicyBundle.IdsOf(version.ManifestJson)))
        {
            var name = await PolicyStore.FindNameAsync(connection, zoneId, row.PolicyId);
            if (name is not null) entries[row.PolicyId] = new Entry(name, row);
        }

        return entries;
    }

    private static void Write(Utf8JsonWriter writer, Found found)
    {
        writer.WriteString("policy_set_id", found.Set!.Id);
        WriteVersion(writer, "from", found.Before!);
        WriteVersion(writer, "to", found.After!);
        var added = found.New.Values.Where(entry => !found.Old.ContainsKey(entry.Row.PolicyId));
        var removed = found.Old.Values.Where(entry => !found.New.ContainsKey(entry.Row.PolicyId));
        var both = found.New.Values.Where(entry => found.Old.ContainsKey(entry.Row.PolicyId)).ToList();
        writer.Rows("added", added, WriteEntry);
        writer.Rows("removed", removed, WriteEntry);
        writer.Rows("changed", both.Where(entry => IsChanged(found, entry)), (_, entry) => WriteChange(writer, found.Old[entry.Row.PolicyId], entry));
        writer.WriteNumber("unchanged", both.Count(entry => !IsChanged(found, entry)));
    }

    private static bool IsChanged(Found found, Entry entry) => found.Old[entry.Row.PolicyId].Row.ContentSha256 != entry.Row.ContentSha256;

    private static void WriteVersion(Utf8JsonWriter writer, string name, PolicySetVersionRow version)
    {
        writer.WriteStartObject(name);
        writer.WriteString("version_id", version.Id);
        writer.WriteNumber("version", version.Version);
        writer.WriteString("manifest_sha256", version.ManifestSha256);
        writer.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter writer, Entry entry)
    {
        writer.WriteString("policy_id", entry.Row.PolicyId);
        writer.WriteString("name", entry.Name);
        writer.WriteString("policy_version_id", entry.Row.Id);
        writer.WriteNumber("version", entry.Row.Version);
        writer.WriteString("content_sha256", entry.Row.ContentSha256);
    }

    private static void WriteChange(Utf8JsonWriter writer, Entry before, Entry after)
    {
        var lines = LineDiff.Compare(before.Row.Content, after.Row.Content);
        WriteEntry(writer, after);
        writer.WriteString("previous_policy_version_id", before.Row.Id);
        writer.WriteNumber("previous_version", before.Row.Version);
        writer.WriteNumber("lines_added", lines.Count(line => line.Op == '+'));
        writer.WriteNumber("lines_removed", lines.Count(line => line.Op == '-'));
        writer.Texts("lines", lines.Select(line => line.Op + line.Text));
    }

    private sealed record Entry(string Name, PolicyVersionRow Row);

    private sealed record Found(
        PolicySetRow? Set,
        PolicySetVersionRow? Before,
        PolicySetVersionRow? After,
        IReadOnlyDictionary<string, Entry> Old,
        IReadOnlyDictionary<string, Entry> New);
}
