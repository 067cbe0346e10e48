using System.Net.Http.Headers;
using System.Text;
using Caracal.Authority.Approvals;
using Caracal.Egress;
using Caracal.Keys.Rings;
using Caracal.Keys.Sealing;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.NotificationSinks;

namespace Caracal.ControlPlane.NotificationSinks;

/// <summary>
/// Tells sinks what happened to approvals (api.md 11.7): new ledger rows become deliveries once per sink, due deliveries are
/// leased and sent outside of any transaction, and what became of each is stored. At least once; a sink knows an event by its id.
/// </summary>
internal sealed class NotificationDispatcher : IDisposable
{
    private const int FanOut = 500;
    private const int PerPass = 25;
    private const int SinksAtOnce = 5;
    private const int PassOfDeletion = 5000;
    private static readonly AdvisoryLock Lock = AdvisoryLock.Job(7163920485318490);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    private readonly Database _database;
    private readonly DatabaseClock _clock;
    private readonly KekRing _keks;
    private readonly GuardedHttp _http;

    public NotificationDispatcher(Database database, DatabaseClock clock, ControlPlaneSettings settings, SinkPlaces places)
    {
        _database = database;
        _clock = clock;
        _keks = settings.Keks;
        _http = new GuardedHttp(
            new EgressGuard(new EgressPolicy(allowPrivate: false, places.OpenHosts, allowedHosts: []), new SystemHostResolver(), clock.Process),
            new GuardedHttpOptions { ConnectTimeout = Timeout, ValidateCertificate = ExtraTrust.FromFile(settings.ExtraAuthoritiesFile) });
    }

    /// <summary>One pass; returns how many deliveries were tried.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var claimed = await ClaimAsync(cancellationToken);
        await Parallel.ForEachAsync(
            claimed,
            new ParallelOptions { MaxDegreeOfParallelism = SinksAtOnce, CancellationToken = cancellationToken },
            async (sink, stopping) =>
            {
                // Within a sink one after the other, oldest first. What the lease does not cover is left to the next pass.
                var end = _clock.Now + Lease - Timeout;
                foreach (var delivery in sink.Deliveries)
                {
                    if (_clock.Now > end) return;
                    await SendAsync(sink.Sink, delivery, stopping);
                }
            });
        return claimed.Sum(sink => sink.Deliveries.Count);
    }

    public void Dispose() => _http.Dispose();

    private Task<List<Claim>> ClaimAsync(CancellationToken cancellationToken) => _database.WriteAsync(
        WriteKind.Bookkeeping,
        async work =>
        {
            var claims = new List<Claim>();
            if (!await work.TryLockAsync(Lock)) return claims; // Another replica does this pass.
            var now = _clock.Now;
            await DeliveryStore.DeleteSettledAsync(work, now - Kept, PassOfDeletion);
            foreach (var sink in await SinkStore.ListActiveAsync(work))
            {
                await QueueAsync(work, sink, now);
                if (await DeliveryStore.ClaimAsync(work, sink.Id, PerPass, now, now + Lease) is { Count: > 0 } due) claims.Add(new Claim(sink, due));
            }

            return claims;
        },
        cancellationToken);

    private static async Task QueueAsync(Work work, SinkRow sink, DateTimeOffset now)
    {
        var (events, head) = await DeliveryStore.ReadNewAsync(work, sink, FanOut);
        foreach (var found in events)
        {
            await DeliveryStore.AddAsync(work, new DeliveryRow
            {
                Id = Ids.New(),
                SinkId = sink.Id,
                ZoneId = sink.ZoneId,
                EventId = found.Id,
                EventType = found.EventType!,
                PayloadJson = NotificationMessage.PayloadOf(sink.ZoneId, found),
                AvailableAt = now,
                CreatedAt = now,
            });
        }

        var reached = events.Count == FanOut ? events[^1].ChainSeq : head;
        if (reached > sink.CursorChainSeq) await DeliveryStore.MoveCursorAsync(work, sink.Id, reached);
    }

    private async Task SendAsync(SinkRow sink, DeliveryRow delivery, CancellationToken cancellationToken)
    {
        var (status, error) = await PostAsync(sink, delivery, cancellationToken);
        var now = _clock.Now;
        await _database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                if (error is null)
                {
                    await DeliveryStore.DeliveredAsync(work, delivery.Id, status!.Value, now);
                    await SinkStore.NoteSuccessAsync(work, sink.Id, now);
                    return;
                }

                var wait = NotificationRules.RetryAfter(delivery.Attempts, Random.Shared.NextDouble());
                await DeliveryStore.FailedAsync(work, delivery.Id, status, error, now + wait, now);
                await SinkStore.NoteFailureAsync(work, sink.Id, error, now);
            },
            CancellationToken.None);
    }

    private async Task<(int? Status, string? Error)> PostAsync(SinkRow sink, DeliveryRow delivery, CancellationToken cancellationToken)
    {
        if (Css1Envelope.Open(_keks, SealedLocations.NotificationSinkSecret, sink.SecretCt, out var plaintext) != Css1Outcome.Opened)
        {
            return (null, "the sink's secret cannot be opened");
        }

        string secret;
        using (plaintext) secret = Encoding.UTF8.GetString(plaintext!.Span);
        var body = NotificationMessage.BodyOf(delivery.PayloadJson);
        var timestamp = _clock.Now.ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, sink.Url) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("X-Caracal-Event", delivery.EventType);
        request.Headers.TryAddWithoutValidation("X-Caracal-Delivery", delivery.Id);
        request.Headers.TryAddWithoutValidation("X-Caracal-Sink", sink.Id);
        request.Headers.TryAddWithoutValidation("X-Caracal-Timestamp", timestamp.ToString());
        request.Headers.TryAddWithoutValidation("X-Caracal-Signature", NotificationMessage.Sign(secret, timestamp, body));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Timeout);
        try
        {
            using var response = await _http.SendAsync(request, deadline.Token);
            var status = (int)response.StatusCode;
            return status is >= 200 and < 300 ? (status, null) : (status, $"the sink answered {status}");
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // The address that was tried stays out of what a zone's readers see.
            return (null, fault is OperationCanceledException ? "the sink did not answer in time" : "the sink cannot be reached");
        }
    }

    private sealed record Claim(SinkRow Sink, IReadOnlyList<DeliveryRow> Deliveries);
}
