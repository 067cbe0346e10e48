using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Applications;
using Caracal.Storage.KillSwitch;

namespace Caracal.ControlPlane.KillSwitch;

/// <summary>What an operator points the kill switch at: exactly one thing by its id, or many by a filter.</summary>
internal sealed class KillTarget
{
    private const int MostIds = 500;
    private static readonly string[] Names = ["subject_id", "application_id", "session_id", "delegation_id", "authority_record_id", "filter"];

    private readonly string? _subject;
    private readonly string? _application;
    private readonly string? _session;
    private readonly string? _delegation;
    private readonly string? _record;
    private readonly AuthorityFilter? _filter;

    public KillTarget(Fields fields)
    {
        _subject = fields.OptionalText("subject_id", 1, 512);
        _application = fields.OptionalText("application_id", 1, 128);
        _session = fields.OptionalText("session_id", 1, 128);
        _delegation = fields.OptionalText("delegation_id", 1, 128);
        _record = fields.OptionalText("authority_record_id", 1, 128);
        if (fields.Object("filter") is { } filter) _filter = ReadFilter(fields, filter);
        if (Names.Count(fields.Has) != 1) fields.Note("", $"must name exactly one of {string.Join(", ", Names)}");
    }

    /// <summary>The one subject, whose provider connections end with it; null for every other target.</summary>
    public string? Subject => _subject;

    /// <summary>For the admin ledger: the collection and the id, or <c>filter</c>.</summary>
    public (string Type, string Id) Entity =>
        _subject is not null ? ("subjects", _subject)
        : _application is not null ? ("applications", _application)
        : _session is not null ? ("sessions", _session)
        : _delegation is not null ? ("delegations", _delegation)
        : _record is not null ? ("authority-records", _record)
        : ("kill-switch", "filter");

    /// <summary>The roots, or the refusal when the named thing is not of this zone.</summary>
    public async Task<(AuthorityRoots? Roots, Refusal? Refusal)> FindAsync(Work work, string zoneId)
    {
        if (_subject is not null)
        {
            return await KillSwitchStore.SubjectKnownAsync(work, zoneId, _subject)
                ? (new AuthorityRoots(await KillSwitchStore.RecordsOfSubjectAsync(work, zoneId, _subject), [], []), null)
                : (null, ControlPlaneErrors.SubjectNotFound);
        }

        if (_application is not null)
        {
            return await ApplicationStore.FindAsync(work.Connection, zoneId, _application) is null
                ? (null, ControlPlaneErrors.ApplicationNotFound)
                : (new AuthorityRoots(
                    await KillSwitchStore.RecordsOfApplicationAsync(work, zoneId, _application),
                    await KillSwitchStore.SessionsOfApplicationAsync(work, zoneId, _application),
                    []), null);
        }

        if (_session is not null)
        {
            var found = await AuthoritySelection.SessionAsync(work, zoneId, _session);
            return found.Count == 0 ? (null, ControlPlaneErrors.SessionNotFound) : (new AuthorityRoots([], found, []), null);
        }

        if (_delegation is not null)
        {
            var found = await AuthoritySelection.DelegationAsync(work, zoneId, _delegation);
            return found.Count == 0 ? (null, ControlPlaneErrors.DelegationNotFound) : (new AuthorityRoots([], [], found), null);
        }

        if (_record is not null)
        {
            var found = await AuthoritySelection.RecordAsync(work, zoneId, _record);
            return found.Count == 0 ? (null, ControlPlaneErrors.AuthorityRecordNotFound) : (new AuthorityRoots(found, [], []), null);
        }

        return (await AuthoritySelection.FindAsync(work, zoneId, _filter!), null);
    }

    private static AuthorityFilter ReadFilter(Fields fields, JsonElement element)
    {
        var members = new Fields(element, ControlPlaneErrors.InvalidKill, strict: true);
        var filter = new AuthorityFilter
        {
            SubjectIds = members.Texts("subject_ids", 1, MostIds, 1, 512) ?? [],
            ApplicationIds = members.Texts("application_ids", 1, MostIds, 1, 128) ?? [],
            Label = members.OptionalText("label", 1, 64),
            Lifecycle = members.OneOf("lifecycle", "task", "service"),
            StartedAfter = Time(members, "started_after"),
            StartedBefore = Time(members, "started_before"),
        };

        // An empty filter would be everything; who means that names a bound, such as started_before now.
        if (filter.IsEmpty) members.Note("", "must hold at least one condition");
        fields.Include("filter", members);
        return filter;
    }

    private static DateTimeOffset? Time(Fields fields, string name)
    {
        if (fields.OptionalText(name, 1, 64) is not { } text) return null;
        if (Timestamps.TryParseUtc(text, secondsOptional: true, out var time)) return time;
        fields.Note(name, "must be a UTC time ending in Z");
        return null;
    }
}
