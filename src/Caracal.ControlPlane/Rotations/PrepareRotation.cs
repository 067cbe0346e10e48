using System.Data.Common;
using System.Globalization;
using System.Text.RegularExpressions;
using Caracal.ControlPlane.AdminAudit;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.ScheduledRotations;
using Caracal.Hosting;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Platform;
using Caracal.Storage.Reencryption;
using Caracal.Storage.Rotations;

namespace Caracal.ControlPlane.Rotations;

/// <summary><c>POST /v1/operations/rotations</c>: takes the lock, looks at what a rotation needs, and registers the new value's id (operations.md 4.3).</summary>
internal sealed partial class PrepareRotation(Changes changes, ControlPlaneSettings settings, InstanceProbes probes)
{
    private const long ShortestRollback = 30 * 60;
    private const long DefaultRollback = 24 * 3600;
    private static readonly TimeSpan FreshBackup = TimeSpan.FromHours(24);

    private static readonly Refusal OtherClass = ControlPlaneErrors.RotationInProgress.With("another class is being rotated");

    private readonly RotationTrail trail = new(changes);
    private readonly KeySamples samples = new(changes.Database, probes, TimeProvider.System);

    public async Task<Answer> HandleAsync(ApiCall call)
    {
        var fields = call.Strict(ControlPlaneErrors.InvalidRotationRequest);
        var classId = fields.Text("class", 1, 64);
        var scope = fields.OptionalText("scope", 0, 128) ?? "";
        var sid = fields.Text("to_sid", 1, 64);
        var row = new RotationRow
        {
            Id = "rot_" + Ids.New(),
            Class = classId,
            Scope = scope,
            State = RotationState.Prepared,
            ToSid = sid,
            Location = fields.Text("location", 1, 1000),
            ReasonKind = fields.OneOf("reason_kind", "scheduled", "compromise", "infrastructure") ?? "",
            Reason = fields.Text("reason", 10, 500, trim: true),
            Actor = fields.Text("actor", 3, 200, trim: true),
            ActorTokenId = call.Caller.TokenId,
            OverlapSeconds = fields.Integer("overlap_seconds", 0, 604_800) ?? -1,
            RollbackWindowSeconds = fields.Integer("rollback_window_seconds", ShortestRollback, 2_592_000) ?? DefaultRollback,
            Emergency = fields.Flag("emergency") ?? false,
            CreatedAt = call.Now,
            UpdatedAt = call.Now,
            VersionLabel = $"{classId}@{call.Now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}-{sid}",
        };
        var backup = fields.OptionalText("backup_taken_at", 1, 40);
        var clientTime = fields.OptionalText("client_time", 1, 40);
        NoteWhatContradicts(fields, call, row, sid);
        if (fields.Problem() is { } problem) return problem;
        if (RotatableClass.Find(classId) is not { } rotated || scope.Length > 0) return ControlPlaneErrors.UnknownKeyClass;
        if (row.OverlapSeconds < 0) row = row with { OverlapSeconds = (long)rotated.Overlap.TotalSeconds };
        if (!row.Emergency && row.OverlapSeconds < rotated.MinimumOverlap.TotalSeconds)
        {
            return ControlPlaneErrors.InvalidRotationRequest.With($"overlap_seconds of {rotated.Id} must be at least {rotated.MinimumOverlap.TotalSeconds:0}");
        }

        // Judged before the step and in it, as in AdvanceRotation: a refusal holds nobody up.
        var refused = await changes.Database.ReadAsync(connection => RefusalAsync(connection, call, row, rotated, backup, clientTime), call.Cancelled);
        if (refused is not null) return refused;

        // Services are asked before the step begins: what is as it was, the checks will look at later.
        var live = (await changes.Database.ReadAsync(RotationFacts.ReadAsync, call.Cancelled)).Reachable(call.Now);
        var clients = changes.Database.Dialect.HasOneWriter ? null : (await probes.FiguresAsync(live, call.Cancelled)).RedisClients;
        var signed = await samples.TakeAsync(live, call.Cancelled);
        return await changes.KeepAsync(
            call,
            async work => await RefusalAsync(work.Connection, call, row, rotated, backup, clientTime) ?? await PrepareAsync(work, call, row, rotated, clients, signed),
            ControlPlaneErrors.RotationInProgress);
    }

    private void NoteWhatContradicts(Fields fields, ApiCall call, RotationRow row, string sid)
    {
        if (!SecretIdPattern().IsMatch(sid)) fields.Note("to_sid", "must be the secret id of the new value");
        if (row.ReasonKind.Length == 0 && !fields.Has("reason_kind")) fields.Note("reason_kind", "is required");
        if (row.Emergency && row.ReasonKind != "compromise") fields.Note("emergency", "needs reason_kind compromise");

        if (row.Actor == ScheduleCalls.Actor && row.ActorTokenId != ScheduleCalls.TokenId) fields.Note("actor", "is the schedule's own name");

        // A token says which door was used, not who came in.
        if (settings.Mode.IsPublished() && row.Actor == call.Caller.Name) fields.Note("actor", "must name a person, not the token");
    }

    private async Task<Answer?> RefusalAsync(
        DbConnection connection, ApiCall call, RotationRow row, RotatableClass rotated, string? backup, string? clientTime)
    {
        if (await KeyRegistryStore.IsKnownAsync(connection, row.ToSid)) return ControlPlaneErrors.KeyReuse;
        if (await RotationStore.FindOpenAsync(connection, row.Class, row.Scope) is { } open)
        {
            return ControlPlaneErrors.RotationInProgress.With($"{open.Id} is {open.State}");
        }

        // An emergency waits for nobody, and holds up nobody.
        if (!row.Emergency && !await RotationStore.IsLockFreeAsync(connection, rotated.Family)) return OtherClass;
        var gates = await GatesAsync(connection, call, rotated, backup, clientTime);
        return gates.Any(gate => !gate.Ok) ? RotationJson.NotMet(gates) : null;
    }

    private async Task<Answer> PrepareAsync(Work work, ApiCall call, RotationRow row, RotatableClass rotated, long? redisClients, RotationCheck? signed)
    {
        if (!row.Emergency && !await RotationStore.TakeLockAsync(work, rotated.Family)) return OtherClass;
        var active = await KeyRegistryStore.FindActiveAsync(work.Connection, row.Class, row.Scope);
        var prepared = row with { FromSid = active?.Sid };
        await KeyRegistryStore.AddAsync(work, row.Class, row.Scope, row.ToSid, "next", row.Id, call.Now);
        await RotationStore.InsertAsync(work, prepared);

        // What a key in wrong hands opened is known, under whichever key it will be sealed: it has to be changed (operations.md 4.6.1).
        if (row is { Class: KeyClass.ZoneKek, ReasonKind: "compromise" }) await ExposureTaskStore.OpenAsync(work, settings.Keks.Current, row.Actor, row.Reason, call.Now);
        var baseline = await MaterialChecks.BaselineAsync(work, redisClients);
        await trail.AppendAsync(work, call, prepared, new RotationStep("prepared") { Checks = [.. new[] { signed, baseline }.OfType<RotationCheck>()] }, call.Now);
        return Answer.Created(row.Id, JsonRows.Object(writer => RotationJson.Write(writer, prepared)));
    }

    private async Task<IReadOnlyList<Gate>> GatesAsync(DbConnection connection, ApiCall call, RotatableClass rotated, string? backup, string? clientTime)
    {
        var facts = await RotationFacts.ReadAsync(connection);
        var outbox = await OutboxFigures.ReadAsync(connection, changes.Database.Dialect);
        var gates = new List<Gate>
        {
            new Convergence(rotated, facts.Instances, call.Now).AllLive(),
            new("outbox_has_no_dead_rows", outbox.Dead == 0, $"{outbox.Dead} dead rows"),
        };
        if (clientTime is not null) gates.Add(Skew(clientTime, call.Now));
        if (rotated.Id == KeyClass.ZoneKek) gates.Add(Backup(backup, call.Now));
        return gates;
    }

    private static Gate Skew(string clientTime, DateTimeOffset now)
    {
        var skew = Timestamps.TryParseUtc(clientTime, secondsOptional: true, out var theirs) ? (theirs - now).Duration() : TimeSpan.MaxValue;
        return new Gate("clock_skew", skew <= DatabaseClock.MaximumSkew, skew == TimeSpan.MaxValue ? "client_time is no time" : $"{skew.TotalSeconds:0} s");
    }

    private static Gate Backup(string? takenAt, DateTimeOffset now)
    {
        if (takenAt is null || !Timestamps.TryParseUtc(takenAt, secondsOptional: true, out var taken)) return new Gate("backup_fresh", false, "backup_taken_at names no backup");
        var age = now - taken;
        return new Gate("backup_fresh", age < FreshBackup && age > -DatabaseClock.MaximumSkew, $"taken {age.TotalHours:0.0} h ago, at most {FreshBackup.TotalHours:0} h are allowed");
    }

    [GeneratedRegex("^(sid|ver)_[0-9a-f]{16}$")]
    private static partial Regex SecretIdPattern();
}
