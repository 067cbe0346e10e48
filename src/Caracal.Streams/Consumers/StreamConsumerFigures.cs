namespace Caracal.Streams.Consumers;

/// <summary>Counters of one consumer since it started.</summary>
public sealed class StreamConsumerFigures
{
    private long _processed;
    private long _replayed;
    private long _deadLetters;
    private long _invalidSignatures;

    public long Processed => Interlocked.Read(ref _processed);
    public long Replayed => Interlocked.Read(ref _replayed);
    public long DeadLetters => Interlocked.Read(ref _deadLetters);
    public long InvalidSignatures => Interlocked.Read(ref _invalidSignatures);

    internal void CountProcessed() => Interlocked.Increment(ref _processed);

    internal void CountReplayed() => Interlocked.Increment(ref _replayed);

    internal void CountDeadLetter() => Interlocked.Increment(ref _deadLetters);

    internal void CountInvalidSignature() => Interlocked.Increment(ref _invalidSignatures);
}
