using Caracal.Streams.Redis.Resp;

namespace Caracal.Streams.Redis;

/// <summary>How the replies of stream commands become entries.</summary>
internal static class StreamReplies
{
    /// <summary>
    /// The entries of one topic: <c>[[id, [name, value, …]], …]</c>. One that was deleted after its delivery has no fields
    /// and is reported by id in <paramref name="gone"/>.
    /// </summary>
    public static void Entries(string topic, in RespValue reply, List<StreamEntry> into, List<string>? gone)
    {
        foreach (ref readonly var entry in reply.Items)
        {
            if (entry.Items is not [{ Text: { } id }, var fields])
            {
                continue;
            }

            if (fields.IsNull)
            {
                gone?.Add(id);
            }
            else
            {
                into.Add(new StreamEntry(topic, id, Fields(fields.Items)));
            }
        }
    }

    private static KeyValuePair<string, string>[] Fields(ReadOnlySpan<RespValue> flat)
    {
        var fields = new KeyValuePair<string, string>[flat.Length / 2];
        for (var i = 0; i < fields.Length; i++)
        {
            fields[i] = new(flat[2 * i].Text ?? "", flat[(2 * i) + 1].Text ?? "");
        }

        return fields;
    }
}
