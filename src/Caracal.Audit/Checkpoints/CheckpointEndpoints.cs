using System.Globalization;
using System.Text;
using System.Text.Json;
using Caracal.Audit.Search;
using Caracal.Evidence.Checkpoints;
using Caracal.Hosting.Http;
using Caracal.Storage;
using Caracal.Storage.Ledger;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit.Checkpoints;

/// <summary>
/// <c>/api/audit/checkpoint</c> and <c>/api/audit/proof/*</c>: what a zone's ledger is, signed, and that an event is in it or
/// that it only grew.
/// </summary>
/// <param name="store">Checkpoints.</param>
/// <param name="ledger">Events.</param>
/// <param name="settings">The key.</param>
/// <param name="access">Operators only.</param>
internal sealed class CheckpointEndpoints(CheckpointStore store, LedgerReader ledger, CheckpointSettings settings, AdminAccess access)
{
    /// <summary>The public key, for whoever verifies.</summary>
    public Task KeyAsync(HttpContext context) => GuardAsync(context, () =>
        settings.Signer is { } signer ? WriteTextAsync(context, signer.Key + "\n") : PlainText.WriteAsync(context, 404, AuditErrors.CheckpointsOff));

    /// <summary>The zone's last checkpoint, or that of <c>size</c>, with every cosignature.</summary>
    public Task CheckpointAsync(HttpContext context) => GuardZoneAsync(context, async zone =>
    {
        if (!TryNumber(context, "size", out var size) || await store.FindAsync(zone, size, context.RequestAborted) is not { } checkpoint)
        {
            await PlainText.WriteAsync(context, 404, AuditErrors.CheckpointNotFound);
            return;
        }

        await WriteTextAsync(context, await NoteAsync(checkpoint, context.RequestAborted));
    });

    /// <summary>The time-stamp of the zone's last checkpoint that has one, or of <c>size</c>: an RFC 3161 token over the text of its note.</summary>
    public Task TimeStampAsync(HttpContext context) => GuardZoneAsync(context, async zone =>
    {
        var stop = context.RequestAborted;
        if (!TryNumber(context, "size", out var size) || await store.LastTimeStampAsync(zone, size, stop) is not { } stamp)
        {
            await PlainText.WriteAsync(context, 404, AuditErrors.TimeStampNotFound);
            return;
        }

        context.Response.ContentType = "application/timestamp-token";
        context.Response.Headers["X-Caracal-Tree-Size"] = stamp.TreeSize.ToString(CultureInfo.InvariantCulture);
        await context.Response.Body.WriteAsync(Convert.FromBase64String(stamp.Body), stop);
    });

    /// <summary>That an event, by <c>event_id</c> or <c>seq</c>, is in the tree of a checkpoint; with <c>event=true</c> the event too.</summary>
    public Task InclusionAsync(HttpContext context) => GuardZoneAsync(context, async zone =>
    {
        var stop = context.RequestAborted;
        if (!TryNumber(context, "seq", out var seq) || !TryNumber(context, "size", out var size))
        {
            await PlainText.WriteAsync(context, 400, AuditErrors.SizeInvalid);
            return;
        }

        if ((string?)context.Request.Query["event_id"] is { Length: > 0 } id) seq = await store.SequenceAsync(zone, id, stop);
        if (seq is not > 0)
        {
            await PlainText.WriteAsync(context, 404, AuditErrors.EventNotFound);
            return;
        }

        // Not found also means: recorded, but not signed yet. The next checkpoint comes within a minute.
        if (await store.FindAsync(zone, size, stop) is not { } checkpoint || checkpoint.TreeSize < seq)
        {
            await PlainText.WriteAsync(context, 404, AuditErrors.CheckpointNotFound);
            return;
        }

        var path = await new MerkleProver(new ZoneTree(store, zone)).InclusionAsync(seq.Value - 1, checkpoint.TreeSize, stop);
        var content = (await store.ContentsAsync(zone, seq.Value - 1, 1, stop))[0];
        var row = context.Request.Query["event"] == "true" ? await ledger.PredecessorAsync(zone, seq.Value + 1, stop) : null;
        var note = await NoteAsync(checkpoint, stop);
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("zone_id"u8, zone);
            writer.WriteNumber("leaf_index"u8, seq.Value - 1);
            writer.WriteNumber("tree_size"u8, checkpoint.TreeSize);
            writer.WriteString("content_sha256"u8, content);
            writer.WriteString("root_hash"u8, checkpoint.RootHash);
            WriteHashes(writer, path);
            writer.WriteString("checkpoint"u8, note);
            if (row is not null)
            {
                writer.WritePropertyName("event"u8);
                EventJson.Write(writer, row.Entry);
            }

            writer.WriteEndObject();
        });
    });

    /// <summary>That the tree of checkpoint <c>from</c> is the beginning of that of <c>to</c>, or of the last one.</summary>
    public Task ConsistencyAsync(HttpContext context) => GuardZoneAsync(context, async zone =>
    {
        var stop = context.RequestAborted;
        if (!TryNumber(context, "from", out var from) || from is null || !TryNumber(context, "to", out var to))
        {
            await PlainText.WriteAsync(context, 400, AuditErrors.SizeInvalid);
            return;
        }

        if (await store.FindAsync(zone, to, stop) is not { } checkpoint || checkpoint.TreeSize < from)
        {
            await PlainText.WriteAsync(context, 404, AuditErrors.CheckpointNotFound);
            return;
        }

        var path = await new MerkleProver(new ZoneTree(store, zone)).ConsistencyAsync(from.Value, checkpoint.TreeSize, stop);
        var note = await NoteAsync(checkpoint, stop);
        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("zone_id"u8, zone);
            writer.WriteNumber("from"u8, from.Value);
            writer.WriteNumber("to"u8, checkpoint.TreeSize);
            writer.WriteString("root_hash"u8, checkpoint.RootHash);
            WriteHashes(writer, path);
            writer.WriteString("checkpoint"u8, note);
            writer.WriteEndObject();
        });
    });

    private async Task<string> NoteAsync(StoredCheckpoint checkpoint, CancellationToken cancellationToken)
    {
        var note = new StringBuilder(checkpoint.Note);
        foreach (var proof in await store.ProofsAsync(checkpoint.ZoneId, checkpoint.TreeSize, cancellationToken))
        {
            if (proof.Kind == CheckpointStore.Cosignature) note.Append(proof.Body).Append('\n');
        }

        return note.ToString();
    }

    private Task GuardZoneAsync(HttpContext context, Func<string, Task> handle) => GuardAsync(context, async () =>
    {
        if ((string?)context.Request.Query["zone_id"] is { Length: > 0 } zone) await handle(zone);
        else await PlainText.WriteAsync(context, 400, AuditErrors.ZoneRequired);
    });

    private async Task GuardAsync(HttpContext context, Func<Task> handle)
    {
        if (!await access.AllowsAsync(context)) return;
        try
        {
            await handle();
        }
        catch (StorageUnavailableException)
        {
            await PlainText.WriteAsync(context, 500, AuditErrors.SearchFailed);
        }
        catch (TreeIncompleteException)
        {
            // Retention removed the rows; a proof made before still verifies.
            await PlainText.WriteAsync(context, 410, AuditErrors.ProofGone);
        }
    }

    private static bool TryNumber(HttpContext context, string name, out long? number)
    {
        number = null;
        if ((string?)context.Request.Query[name] is not { Length: > 0 } text) return true;
        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var read)) return false;
        number = read;
        return true;
    }

    private static void WriteHashes(Utf8JsonWriter writer, IReadOnlyList<byte[]> hashes)
    {
        writer.WriteStartArray("hashes"u8);
        foreach (var hash in hashes) writer.WriteBase64StringValue(hash);
        writer.WriteEndArray();
    }

    private static Task WriteTextAsync(HttpContext context, string text)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }
}
