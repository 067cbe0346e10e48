using System.Globalization;
using System.Text;
using System.Text.Json;
using Caracal.Protocol;
using Caracal.Verifier.Redis;

namespace Caracal.Verifier.Revocations;

/// <summary>One message as it came.</summary>
internal sealed record StreamMessage(string Id, IReadOnlyList<KeyValuePair<string, string>> Fields)
{
    public string? Value(string name) => Fields.FirstOrDefault(field => field.Key == name).Value;
}

/// <summary>One consumer group on one stream: messages others left behind, then new ones.</summary>
internal sealed class StreamGroup(IRedisCommands redis, string topic, string group, RevocationStreamOptions options)
{
    private const string IdleMilliseconds = "30000";
    private const string DeadLetterLength = "10000";

    private readonly string _consumer = $"{Environment.MachineName}-{Environment.ProcessId}";
    private bool _created;

    /// <summary>Settles what there is. <paramref name="apply"/> answers why a message can never be applied, or null.</summary>
    public async Task<int> PollAsync(Func<StreamMessage, CancellationToken, Task<string?>> apply, CancellationToken cancellationToken)
    {
        await CreateAsync(cancellationToken);
        var settled = await ReclaimAsync(apply, cancellationToken);
        List<string> command = ["XREADGROUP", "GROUP", group, _consumer, "COUNT", Number(options.Batch)];
        if (options.Wait > TimeSpan.Zero)
        {
            command.AddRange(["BLOCK", Number((long)options.Wait.TotalMilliseconds)]);
        }

        var reply = await SendAsync([.. command, "STREAMS", topic, ">"], cancellationToken);
        foreach (var stream in reply.Items ?? [])
        {
            settled += await SettleAsync(stream.Items is [_, var entries] ? entries : RedisReply.Null, apply, cancellationToken);
        }

        return settled;
    }

    public async Task RemoveAsync(CancellationToken cancellationToken) =>
        await redis.SendAsync(["XGROUP", "DESTROY", topic, group], cancellationToken);

    // From the beginning: what was revoked before we started is revoked.
    private async Task CreateAsync(CancellationToken cancellationToken)
    {
        if (_created)
        {
            return;
        }

        try
        {
            await redis.SendAsync(["XGROUP", "CREATE", topic, group, "0", "MKSTREAM"], cancellationToken);
        }
        catch (RedisException fault) when (fault.Code == "BUSYGROUP")
        {
            // Somebody of ours was first.
        }

        _created = true;
    }

    private async Task<int> ReclaimAsync(Func<StreamMessage, CancellationToken, Task<string?>> apply, CancellationToken cancellationToken)
    {
        var settled = 0;
        var cursor = "0-0";
        do
        {
            var reply = await SendAsync(
                ["XAUTOCLAIM", topic, group, _consumer, IdleMilliseconds, cursor, "COUNT", Number(options.Batch)], cancellationToken);
            cursor = reply.Items is [{ Text: { } next }, ..] ? next : "0-0";
            settled += await SettleAsync(reply.Items is [_, var entries, ..] ? entries : RedisReply.Null, apply, cancellationToken);
        }
        while (cursor != "0-0");
        return settled;
    }

    private async Task<int> SettleAsync(
        RedisReply entries, Func<StreamMessage, CancellationToken, Task<string?>> apply, CancellationToken cancellationToken)
    {
        var settled = 0;
        foreach (var entry in entries.Items ?? [])
        {
            if (Read(entry) is { } message && await TrySettleAsync(message, apply, cancellationToken))
            {
                settled++;
            }
        }

        return settled;
    }

    // What could not be applied, or put aside, stays pending and is claimed again.
    private async Task<bool> TrySettleAsync(
        StreamMessage message, Func<StreamMessage, CancellationToken, Task<string?>> apply, CancellationToken cancellationToken)
    {
        try
        {
            if (await apply(message, cancellationToken) is { } reason)
            {
                await redis.SendAsync(
                    [
                        "XADD", Topics.Dead(topic), "MAXLEN", "~", DeadLetterLength, "*",
                        "source_id", message.Id, "reason", reason, "payload", Payload(message),
                    ],
                    cancellationToken);
            }

            await redis.SendAsync(["XACK", topic, group, message.Id], cancellationToken);
            return true;
        }
        catch (Exception fault) when (fault is IOException or InvalidOperationException)
        {
            return false;
        }
    }

    // A server that was emptied has lost the group too; it is made again, from the beginning.
    private async ValueTask<RedisReply> SendAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        try
        {
            return await redis.SendAsync(command, cancellationToken);
        }
        catch (RedisException fault) when (fault.Code == "NOGROUP")
        {
            _created = false;
            throw;
        }
    }

    private static StreamMessage? Read(RedisReply entry)
    {
        if (entry.Items is not [{ Text: { } id }, { Items: { } parts }])
        {
            return null; // deleted since it was read
        }

        var fields = new List<KeyValuePair<string, string>>(parts.Count / 2);
        for (var i = 0; i + 1 < parts.Count; i += 2)
        {
            fields.Add(new(parts[i].Text ?? "", parts[i + 1].Text ?? ""));
        }

        return new StreamMessage(id, fields);
    }

    private static string Payload(StreamMessage message)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in message.Fields)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
