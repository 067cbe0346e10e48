using Caracal.Authority.Idempotency;
using Caracal.Authority.Sessions;
using Caracal.Coordinator.Authentication;
using Caracal.Coordinator.Idempotency;
using Caracal.Coordinator.Requests;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Sessions;

namespace Caracal.Coordinator.Sessions;

/// <summary><c>POST /zones/{zoneId}/agents</c>: starts a Session, the checks in the order of coordinator.md 5.</summary>
internal sealed class StartSession(
    CoordinatorSettings settings, Changes changes, DatabaseClock clock, SessionStore sessions, CoordinatorDirectory directory,
    Receipts receipts, SubjectProof proof, AuthorityInheritance inheritance, SessionMessages messages)
{
    public async Task<Reply> HandleAsync(Call call)
    {
        var (request, issues) = StartRequest.Read(call.Body);
        if (issues.Count > 0)
        {
            return Reply.Invalid(issues);
        }

        if (!call.Caller.MayActFor(request.ApplicationId))
        {
            return SessionRefusals.ApplicationOwnershipRequired;
        }

        var (keyed, refused) = ReadKey(call, request);
        if (refused is not null)
        {
            return refused;
        }

        var named = request.SubjectSessionId ?? call.Caller.AuthorityRecordId;
        if (named is null && !request.InheritsSubject)
        {
            return SessionRefusals.SubjectSessionRequired;
        }

        // Keys are fetched outside the transaction; the verdict is used inside it, after the replay.
        var unproven = named == call.Caller.AuthorityRecordId || !settings.RequireSubjectProof
            ? null
            : await proof.CheckAsync(request.SubjectToken, call.ZoneId, request.ApplicationId, named!, call.Aborted);
        return await changes.RunAsync(call, work => StartAsync(work, call, request, keyed, named, unproven));
    }

    private async Task<Reply> StartAsync(
        Work work, Call call, StartRequest request, KeyedRequest? keyed, string? named, Refusal? unproven)
    {
        var now = Timestamps.TruncateToMicroseconds(clock.Now);
        if (keyed is not null && await receipts.BeginAsync(work, keyed, id => HoldsSlotAsync(work, call.ZoneId, id, now), now) is { } replay)
        {
            return replay;
        }

        await ZoneLocks.SessionsAsync(work, call.ZoneId);
        var parent = request.ParentId is null ? null : await sessions.FindAsync(work.Connection, call.ZoneId, request.ParentId);
        var recordId = request.InheritsSubject ? AnchorOf(parent, request) : named;
        var record = recordId is null ? null : await directory.FindRecordAsync(work.Connection, call.ZoneId, recordId);
        if (unproven is not null && record?.IsLiveApplication(request.ApplicationId, now) != true)
        {
            return unproven;
        }

        var facts = await ReadFactsAsync(work, call, request, parent, record?.IsLive(now) ?? false, now);
        if (StartRules.Check(facts, now) is { } refusal)
        {
            return refusal;
        }

        var session = Make(call.ZoneId, request, recordId!, parent, now);
        await sessions.InsertAsync(work, session);
        var (edge, refused) = request.Inherits && session.ParentId is not null
            ? await inheritance.MirrorAsync(work, session, request.InheritParentEdgeId, now)
            : default;
        if (refused is not null)
        {
            return refused;
        }

        await messages.SpawnedAsync(work, session, now);
        var reply = Reply.Json(201, writer => SessionJson.WriteStarted(writer, session, edge?.Id));
        if (keyed is not null)
        {
            await receipts.StoreAsync(work, keyed, "session", session.Id, reply, now);
        }

        return reply;
    }

    private static (KeyedRequest? Keyed, Reply? Refused) ReadKey(Call call, StartRequest request)
    {
        var (key, refusal) = RequestDigests.KeyOf(call);
        if (key is null)
        {
            return (null, refusal is null ? null : Reply.Refused(refusal));
        }

        if (request.Digest(call.Caller) is not { } digest)
        {
            return (null, Reply.Invalid([new BodyIssue(["metadata"], "A number is out of range")]));
        }

        return (new KeyedRequest
        {
            Operation = IdempotentOperation.SessionStart,
            ZoneId = call.ZoneId,
            ScopeId = request.ApplicationId,
            Key = key,
            RequestDigest = digest,
            Generated = RequestDigests.IsGenerated(call),
        }, null);
    }

    // The proof was given when the parent started, to the parent's application and to nobody else.
    private static string? AnchorOf(Session? parent, StartRequest request) =>
        parent?.ApplicationId == request.ApplicationId ? parent.SubjectAuthorityRecordId : null;

    private async Task<bool> HoldsSlotAsync(Work work, string zoneId, string id, DateTimeOffset now) =>
        await sessions.FindAsync(work.Connection, zoneId, id) is { } session && SessionRules.HoldsSlot(session, now);

    private async Task<StartFacts> ReadFactsAsync(Work work, Call call, StartRequest request, Session? parent, bool anchorIsActive, DateTimeOffset now)
    {
        var application = await directory.FindApplicationAsync(work.Connection, call.ZoneId, request.ApplicationId);
        var (zone, own) = await sessions.CountOpenAsync(work.Connection, call.ZoneId, request.ApplicationId);
        if (zone >= settings.MaximumSessionsPerZone || own >= settings.MaximumSessionsPerApplication || (own > 0 && application?.IsDynamic == true))
        {
            (zone, own) = await sessions.CountSlotsAsync(work.Connection, call.ZoneId, request.ApplicationId, now);
        }

        var parentApplication = parent is null ? null
            : parent.ApplicationId == application?.Id ? application
            : await directory.FindApplicationAsync(work.Connection, call.ZoneId, parent.ApplicationId);
        return new StartFacts
        {
            Application = application is not null && application.IsLive(now) ? new StartApplication(application.Id, application.IsDynamic) : null,
            Lifecycle = request.Lifecycle,
            ParentId = request.ParentId,
            AnchorIsActive = anchorIsActive,
            ZoneSessions = zone,
            ZoneLimit = settings.MaximumSessionsPerZone,
            ApplicationSessions = own,
            ApplicationLimit = settings.MaximumSessionsPerApplication,
            Parent = parent,
            ParentApplicationIsDynamic = parentApplication?.IsDynamic ?? false,
            MaySpawnUnderParent = parent is not null && call.Caller.MaySpawnUnder(parent.ApplicationId),
        };
    }

    private Session Make(string zoneId, StartRequest request, string recordId, Session? parent, DateTimeOffset now)
    {
        var isService = request.Lifecycle == SessionLifecycle.Service;
        return new Session
        {
            Id = Ids.New(),
            ZoneId = zoneId,
            ApplicationId = request.ApplicationId,
            ParentId = request.ParentId,
            SubjectAuthorityRecordId = recordId,
            Status = SessionStatus.Active,
            Depth = StartRules.DepthUnder(parent),
            Labels = request.Labels,
            MaxChildren = SessionLimits.MaximumChildren,
            StartedAt = now,
            LastActiveAt = now,
            TtlSeconds = request.TtlSeconds,
            MetadataJson = request.MetadataJson,
            UpdatedAt = now,
            Lifecycle = request.Lifecycle,
            LastHeartbeatAt = isService ? now : null,
            HeartbeatDeadlineAt = isService ? now + settings.LeaseTime : null,
            LeaseGeneration = isService ? 1 : 0,
        };
    }
}
