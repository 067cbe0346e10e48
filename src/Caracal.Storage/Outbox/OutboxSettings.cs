namespace Caracal.Storage.Outbox;

/// <summary>Limits of a relay; defaults are the API's (streams.md 13).</summary>
public sealed record OutboxSettings
{
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(250);
    public int BatchSize { get; init; } = 32;
    public TimeSpan LockTime { get; init; } = TimeSpan.FromSeconds(30);
    public int MaximumAttempts { get; init; } = 100;
}
