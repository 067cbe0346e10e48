using System.Text;
using Caracal.Evidence.Events;
using Caracal.Evidence.Ledger;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Caracal.Keys.Signatures;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Streams;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.DeadLetters;

/// <summary>
/// <c>POST /internal/selftest/refusal</c> (operations.md 4.7, V3): sends an event signed with a key nobody knows down the way of
/// all events, sees that it becomes a dead letter, and removes it again.
/// </summary>
internal sealed class SelfTestRefusal(
    IStreamTransport transport, DeadLetterQueue queue, ExpectedRefusals expected, HmacKeyRing? streamKeys, MetricsAccess access, DatabaseClock clock)
{
    private const string SystemZone = "caracal.sys";
    private const int Page = 100;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    public async Task HandleAsync(HttpContext context)
    {
        if (!access.Allows(context.Request))
        {
            await PlainText.WriteAsync(context, 404, AuditErrors.NotFound);
            return;
        }

        try
        {
            var refused = await RunAsync(context.RequestAborted);
            await ErrorBody.WriteJsonAsync(context.Response, writer =>
            {
                writer.WriteStartObject();
                writer.WriteBoolean("ok"u8, refused);
                writer.WriteEndObject();
            });
        }
        catch (StreamsUnavailableException)
        {
            await PlainText.WriteAsync(context, 503, AuditErrors.DeadLettersUnavailable);
        }
    }

    private async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var canary = new AuditEvent
        {
            Id = Ids.New(),
            ZoneId = SystemZone,
            EventType = AuditEventTypes.OpsCanary,
            RequestId = "ops-canary-" + Ids.New(),
            Decision = AuditDecisions.Deny,
            OccurredAt = clock.Now,
        };
        await expected.AddAsync(canary.Id, cancellationToken);
        var data = canary.ToUtf8();
        var unknown = HmacKeyRing.Of(KeyClass.AuditHmac, System.Security.Cryptography.RandomNumberGenerator.GetBytes(32)).Current;
        KeyValuePair<string, string>[] fields =
        [
            new("id", canary.Id), new("data", Encoding.UTF8.GetString(data)), new("sig", unknown.SignHex(data)), new("kid", unknown.KeyId),
        ];
        var sent = await transport.AppendAsync(
            Topics.AuditEvents, streamKeys is null ? fields : StreamSignature.Seal(streamKeys, Topics.AuditEvents, fields), null, cancellationToken);
        return await FindAsync(canary.Id, sent, cancellationToken) is { } letter && await RemoveAsync(letter, cancellationToken);
    }

    // Dead letters of before cannot be this one, however many there are.
    private async Task<DeadLetter?> FindAsync(string eventId, string sentAs, CancellationToken cancellationToken)
    {
        var start = clock.Process.GetTimestamp();
        while (clock.Process.GetElapsedTime(start) < Limit)
        {
            var after = EntryIds.Before(sentAs);
            IReadOnlyList<DeadLetter> page;
            do
            {
                page = await queue.ListAsync(after, Page, cancellationToken);
                if (page.FirstOrDefault(letter => letter.Event.GetValueOrDefault("id") == eventId) is { } found) return found;
                after = page.Count > 0 ? page[^1].Id : after;
            }
            while (page.Count == Page);
            await Task.Delay(Pause, clock.Process, cancellationToken);
        }

        return null;
    }

    private async Task<bool> RemoveAsync(DeadLetter letter, CancellationToken cancellationToken)
    {
        await transport.DeleteAsync(Topics.AuditDeadLetters, letter.Id, cancellationToken);
        return letter.Reason == IngestReasons.HmacVerifyFailed;
    }
}
