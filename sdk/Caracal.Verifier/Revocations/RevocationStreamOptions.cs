namespace Caracal.Verifier.Revocations;

/// <summary>How the revocation streams are read (gateway.md B6).</summary>
public sealed record RevocationStreamOptions
{
    /// <summary>The live <c>STREAMS_HMAC_KEY</c> values, current first; empty means that messages are not signed.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> SigningKeys { get; init; } = [];

    /// <summary>Refuses unsigned messages; needs a key. Null follows whether there is one.</summary>
    public bool? RequireSignature { get; init; }

    /// <summary>
    /// Part of the group's name. Instances that share a Redis store share one group and leave this null; with a store in
    /// memory every instance needs a group of its own, and gets one.
    /// </summary>
    public string? Instance { get; init; }

    /// <summary>Reads per topic and poll.</summary>
    public int Batch { get; init; } = 50;

    /// <summary>How long one poll waits for messages; zero does not wait. The client's timeout must be longer.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.Zero;
}
