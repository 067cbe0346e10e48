using System.Buffers;
using System.Diagnostics;
using Caracal.Gateway.Pipeline;
using Caracal.Gateway.Revocations;
using Microsoft.AspNetCore.Http;

namespace Caracal.Gateway.Forwarding;

/// <summary>How a copy ended; the default is the one that cuts the connection.</summary>
internal enum CopyEnd
{
    Failed,
    Revoked,
    Whole,
}

/// <summary>
/// Copies one body from upstream to the caller. What arrives together leaves together, and while the upstream is silent
/// nothing is held back, except the last chunk, which leaves only once the evidence is kept.
/// </summary>
internal sealed class AnswerCopy : IDisposable
{
    private const string EventStream = "text/event-stream";
    private const int LargestRead = 4096;
    private const int BufferSize = 4 * LargestRead;

    private readonly GatewayCall _call;
    private readonly RevocationState _revocations;
    private readonly LiveAnswers _live;
    private readonly GatewaySettings _settings;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly long? _length;
    private readonly bool _streaming;
    private readonly AnswerBody _body;
    private bool _watched;
    private bool _reading;

    // What was read and not yet sent lies between the two.
    private int _start;
    private int _end;

    public AnswerCopy(GatewayCall call, RevocationState revocations, LiveAnswers live, GatewaySettings settings)
    {
        _call = call;
        _revocations = revocations;
        _live = live;
        _settings = settings;
        _length = call.Answer!.Content.Headers.ContentLength;
        _streaming = _length is null
            || (call.Answer.Content.Headers.NonValidated.TryGetValues("Content-Type", out var type)
                && type.ToString().AsSpan().TrimStart().StartsWith(EventStream, StringComparison.OrdinalIgnoreCase));
        _body = new AnswerBody(call.Http, hasBody: HasBody, _length);
    }

    /// <summary>True when the body can be ended early, and the reason told, without breaking a promise.</summary>
    public bool MayEndEarly => _body.CarriesTrailers;

    public async Task<CopyEnd> RunAsync()
    {
        try
        {
            return HasBody ? await CopyAsync() : CopyEnd.Whole;
        }
        catch (Exception)
        {
            // Whatever broke the copy, on either side: the caller must not take what it has for the whole.
            return _call.Lifetime.Cause == CallEnd.Revoked ? CopyEnd.Revoked : CopyEnd.Failed;
        }
        finally
        {
            _live.Remove(_call);
        }
    }

    /// <summary>Sends what is still held, and the end. After a revocation nothing of the body leaves any more.</summary>
    public async ValueTask FinishAsync(CopyEnd end, IReadOnlyList<KeyValuePair<string, string>> trailers)
    {
        if (end == CopyEnd.Whole)
        {
            _body.Write(_buffer.AsSpan(_start, _end - _start));
        }

        // The call's own end says nothing any more, and the caller may have stopped reading.
        var flushing = _body.EndAsync(trailers);
        if (flushing.IsCompletedSuccessfully)
        {
            return;
        }

        try
        {
            await flushing.AsTask().WaitAsync(_settings.WriteTimeout);
        }
        catch (TimeoutException)
        {
            _call.Http.Abort();
        }
    }

    public void Dispose()
    {
        // A read that was cut off may still write into its buffer; then the pool must not have it back.
        if (!_reading)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }
    }

    private bool HasBody => !HttpMethods.IsHead(_call.Http.Request.Method) && _length != 0
        && (int)_call.Answer!.StatusCode is not (204 or 205 or 304);

    private async Task<CopyEnd> CopyAsync()
    {
        var body = await _call.Answer!.Content.ReadAsStreamAsync(_call.Lifetime.Token);
        _call.Lifetime.DeadlineAfter(_settings.StreamIdleTimeout);
        while (!_revocations.IsRevoked(_call.Claims))
        {
            var read = await ReadAsync(body);
            if (read == 0)
            {
                return CopyEnd.Whole;
            }

            _end += read;
            _call.ResponseBytes += read;
            if (_call.ResponseBytes == _length)
            {
                return CopyEnd.Whole;
            }

            if (BufferSize - _end < LargestRead)
            {
                await SendAsync();
                _start = _end = 0;
            }
        }

        return CopyEnd.Revoked;
    }

    private async ValueTask<int> ReadAsync(Stream body)
    {
        _reading = true;
        var reading = body.ReadAsync(_buffer.AsMemory(_end, LargestRead), _call.Lifetime.Token);
        int read;
        if (reading.IsCompletedSuccessfully)
        {
            read = reading.Result;
        }
        else
        {
            await BeforeWaitingAsync();
            read = await reading;
        }

        _reading = false;
        return read;
    }

    // The upstream has nothing for us now: all we have must be out, and a revocation must find us waiting.
    private async ValueTask BeforeWaitingAsync()
    {
        if (_end > _start || !_call.Http.Response.HasStarted)
        {
            await SendAsync();
        }

        if (!_watched)
        {
            _watched = true;
            _live.Add(_call);
        }

        _call.Lifetime.DeadlineAfter(Patience());
    }

    private async ValueTask SendAsync()
    {
        _body.Write(_buffer.AsSpan(_start, _end - _start));
        _start = _end;
        var flushing = _body.FlushAsync(_call.Lifetime.Token);
        if (!flushing.IsCompletedSuccessfully)
        {
            _call.Lifetime.DeadlineAfter(Patience());
        }

        var flushed = await flushing;
        if (flushed.IsCompleted || flushed.IsCanceled)
        {
            throw new IOException("the caller went away");
        }
    }

    // A stream may go on for ever as long as it moves; anything else must be through within WRITE_TIMEOUT.
    private TimeSpan Patience()
    {
        if (_streaming)
        {
            return _settings.StreamIdleTimeout;
        }

        var left = _settings.WriteTimeout - Stopwatch.GetElapsedTime(_started);
        return left <= TimeSpan.Zero ? TimeSpan.FromMilliseconds(1)
            : left < _settings.StreamIdleTimeout ? left : _settings.StreamIdleTimeout;
    }
}
