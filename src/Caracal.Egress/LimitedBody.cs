namespace Caracal.Egress;

/// <summary>Reads an answer that should be small; one that is larger is none.</summary>
public static class LimitedBody
{
    /// <summary>Null when the body is longer than <paramref name="limit"/> bytes.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContent content, int limit, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[limit + 1];
        var length = await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        return length > limit ? null : buffer.AsMemory(0, length);
    }
}
