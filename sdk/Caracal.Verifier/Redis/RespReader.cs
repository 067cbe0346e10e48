using System.Globalization;
using System.Text;

namespace Caracal.Verifier.Redis;

/// <summary>Reads RESP2 replies, bounded in depth and size: the server is trusted, the bytes are not.</summary>
internal sealed class RespReader(Stream stream)
{
    private const int LargestLine = 64 * 1024;
    private const int LargestText = 16 * 1024 * 1024;
    private const int LargestArray = 1024 * 1024;
    private const int DeepestArray = 8;

    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;

    /// <summary>The next reply, or the first word of an error.</summary>
    public ValueTask<(RedisReply Reply, string? Error)> ReadAsync() => ReadAsync(DeepestArray);

    private async ValueTask<(RedisReply Reply, string? Error)> ReadAsync(int depth)
    {
        var line = await LineAsync();
        if (line.Length == 0 || depth == 0)
        {
            throw new FormatException("no reply");
        }

        var rest = line[1..];
        switch (line[0])
        {
            case '+':
                return (new RedisReply { Text = rest }, null);
            case '-':
                return (RedisReply.Null, rest.Split(' ')[0]);
            case ':':
                return (new RedisReply { Integer = Number(rest) }, null);
            case '$':
                return (await TextAsync(Number(rest)), null);
            case '*':
                return (await ItemsAsync(Number(rest), depth), null);
            default:
                throw new FormatException("an unknown reply");
        }
    }

    private async ValueTask<RedisReply> ItemsAsync(long count, int depth)
    {
        if (count < 0)
        {
            return RedisReply.Null;
        }

        if (count > LargestArray)
        {
            throw new FormatException("a reply without end");
        }

        var items = new List<RedisReply>((int)Math.Min(count, 1024));
        for (var i = 0; i < count; i++)
        {
            items.Add((await ReadAsync(depth - 1)).Reply);
        }

        return new RedisReply { Items = items };
    }

    private async ValueTask<RedisReply> TextAsync(long length)
    {
        if (length < 0)
        {
            return RedisReply.Null;
        }

        if (length > LargestText)
        {
            throw new FormatException("a reply without end");
        }

        var bytes = new byte[length + 2];
        for (var filled = 0; filled < bytes.Length;)
        {
            if (_start == _end)
            {
                await FillAsync();
            }

            var taken = Math.Min(_end - _start, bytes.Length - filled);
            _buffer.AsSpan(_start, taken).CopyTo(bytes.AsSpan(filled));
            _start += taken;
            filled += taken;
        }

        return new RedisReply { Text = Encoding.UTF8.GetString(bytes, 0, (int)length) };
    }

    private async ValueTask<string> LineAsync()
    {
        var line = new StringBuilder();
        while (true)
        {
            if (_start == _end)
            {
                await FillAsync();
            }

            var end = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            var taken = end < 0 ? _end - _start : end + 1;
            line.Append(Encoding.UTF8.GetString(_buffer, _start, taken));
            _start += taken;
            if (end >= 0)
            {
                return line.ToString().TrimEnd('\r', '\n');
            }

            if (line.Length > LargestLine)
            {
                throw new FormatException("a line without end");
            }
        }
    }

    private async ValueTask FillAsync()
    {
        _start = 0;
        _end = await stream.ReadAsync(_buffer);
        if (_end == 0)
        {
            throw new IOException("the server closed the connection");
        }
    }

    private static long Number(string text) => long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
}
