using System.Text;

namespace Caracal.Verifier.Redis;

/// <summary>One connection: commands go out in the order of the calls and replies come back in the same order.</summary>
internal sealed class RedisPipeline : IDisposable
{
    private readonly Stream _stream;
    private readonly RespReader _reader;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Queue<TaskCompletionSource<RedisReply>> _waiting = new();
    private volatile bool _broken;

    public RedisPipeline(Stream stream)
    {
        _stream = stream;
        _reader = new RespReader(stream);
        _ = ReadAsync();
    }

    public bool IsUsable => !_broken;

    public async Task<RedisReply> SendAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        var bytes = Encode(command);
        var reply = new TaskCompletionSource<RedisReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            lock (_waiting)
            {
                ObjectDisposedException.ThrowIf(_broken, this);
                _waiting.Enqueue(reply);
            }

            // Not cancelled half-way: the next command would begin in the middle of this one.
            await _stream.WriteAsync(bytes, CancellationToken.None);
            await _stream.FlushAsync(CancellationToken.None);
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            Break(fault);
            throw;
        }
        finally
        {
            _turn.Release();
        }

        return await reply.Task.WaitAsync(cancellationToken);
    }

    public void Dispose() => Break(new ObjectDisposedException(nameof(RedisPipeline)));

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                var (reply, error) = await _reader.ReadAsync();
                TaskCompletionSource<RedisReply> asked;
                lock (_waiting)
                {
                    asked = _waiting.Dequeue();
                }

                if (error is null)
                {
                    asked.TrySetResult(reply);
                }
                else
                {
                    asked.TrySetException(new RedisException(error));
                }
            }
        }
        catch (Exception fault) when (fault is IOException or InvalidOperationException or FormatException or OverflowException)
        {
            Break(fault);
        }
    }

    private void Break(Exception fault)
    {
        List<TaskCompletionSource<RedisReply>> lost;
        lock (_waiting)
        {
            _broken = true;
            lost = [.. _waiting];
            _waiting.Clear();
        }

        _stream.Dispose();
        lost.ForEach(one => one.TrySetException(new RedisException("DISCONNECTED", fault)));
    }

    private static byte[] Encode(IReadOnlyList<string> command)
    {
        var text = new StringBuilder().Append('*').Append(command.Count).Append("\r\n");
        foreach (var part in command)
        {
            text.Append('$').Append(Encoding.UTF8.GetByteCount(part)).Append("\r\n").Append(part).Append("\r\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
