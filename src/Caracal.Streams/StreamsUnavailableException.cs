namespace Caracal.Streams;

/// <summary>The stream transport or the shared state cannot be reached now. Callers answer 503 or try again; nothing was done.</summary>
public sealed class StreamsUnavailableException : Exception
{
    public StreamsUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
