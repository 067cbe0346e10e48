using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis;

/// <summary>How each stream command is written.</summary>
internal static class StreamCommands
{
    public static void Append(RespBuffer buffer, AppendCommand command)
    {
        buffer.Begin(3 + (command.MaximumLength is null ? 0 : 3) + (command.Fields.Count * 2));
        buffer.Part("XADD"u8);
        buffer.Part(command.Topic);
        if (command.MaximumLength is { } length)
        {
            buffer.Part("MAXLEN"u8);
            buffer.Part("~"u8);
            buffer.Part(length);
        }

        buffer.Part("*"u8);
        for (var i = 0; i < command.Fields.Count; i++)
        {
            var (name, value) = command.Fields[i];
            buffer.Part(name);
            buffer.Part(value);
        }
    }

    public static void CreateGroup(RespBuffer buffer, (string Topic, string Group, bool FromBeginning) group)
    {
        buffer.Begin(6);
        buffer.Part("XGROUP"u8);
        buffer.Part("CREATE"u8);
        buffer.Part(group.Topic);
        buffer.Part(group.Group);
        buffer.Part(group.FromBeginning ? "0"u8 : "$"u8);
        buffer.Part("MKSTREAM"u8);
    }

    public static void RemoveGroup(RespBuffer buffer, (string Topic, string Group) group)
    {
        buffer.Begin(4);
        buffer.Part("XGROUP"u8);
        buffer.Part("DESTROY"u8);
        buffer.Part(group.Topic);
        buffer.Part(group.Group);
    }

    public static void Read(RespBuffer buffer, ReadCommand command)
    {
        buffer.Begin(7 + (command.Block is null ? 0 : 2) + (command.From.Count * 2));
        buffer.Part("XREADGROUP"u8);
        buffer.Part("GROUP"u8);
        buffer.Part(command.Group);
        buffer.Part(command.Consumer);
        buffer.Part("COUNT"u8);
        buffer.Part(command.Count);
        if (command.Block is { } block)
        {
            buffer.Part("BLOCK"u8);
            buffer.Part(block);
        }

        buffer.Part("STREAMS"u8);
        foreach (var (topic, _) in command.From)
        {
            buffer.Part(topic);
        }

        foreach (var (_, id) in command.From)
        {
            buffer.Part(id);
        }
    }

    public static void Claim(RespBuffer buffer, ClaimCommand command)
    {
        buffer.Begin(8);
        buffer.Part("XAUTOCLAIM"u8);
        buffer.Part(command.Topic);
        buffer.Part(command.Group);
        buffer.Part(command.Consumer);
        buffer.Part(command.Idle);
        buffer.Part(command.Start);
        buffer.Part("COUNT"u8);
        buffer.Part(command.Count);
    }

    public static void Acknowledge(RespBuffer buffer, (string Topic, string Group, string Id) entry)
    {
        buffer.Begin(4);
        buffer.Part("XACK"u8);
        buffer.Part(entry.Topic);
        buffer.Part(entry.Group);
        buffer.Part(entry.Id);
    }

    public static void Range(RespBuffer buffer, (string Topic, string? AfterId, int Count) range)
    {
        buffer.Begin(6);
        buffer.Part("XRANGE"u8);
        buffer.Part(range.Topic);
        buffer.Part(range.AfterId is null ? "-" : "(" + range.AfterId);
        buffer.Part("+"u8);
        buffer.Part("COUNT"u8);
        buffer.Part(range.Count);
    }

    public static void Delete(RespBuffer buffer, (string Topic, string Id) entry)
    {
        buffer.Begin(3);
        buffer.Part("XDEL"u8);
        buffer.Part(entry.Topic);
        buffer.Part(entry.Id);
    }

    public static void Length(RespBuffer buffer, string topic)
    {
        buffer.Begin(2);
        buffer.Part("XLEN"u8);
        buffer.Part(topic);
    }

    /// <summary>One message to append.</summary>
    public readonly record struct AppendCommand(
        string Topic, IReadOnlyList<KeyValuePair<string, string>> Fields, long? MaximumLength);

    /// <summary>A read of several topics, each from its own id (<c>&gt;</c> for new messages); null blocks not at all.</summary>
    public readonly record struct ReadCommand(
        string Group, string Consumer, int Count, long? Block, IReadOnlyList<KeyValuePair<string, string>> From);

    /// <summary>One step of taking over idle messages.</summary>
    public readonly record struct ClaimCommand(
        string Topic, string Group, string Consumer, long Idle, string Start, int Count);
}
