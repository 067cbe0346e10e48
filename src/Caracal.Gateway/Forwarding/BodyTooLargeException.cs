namespace Caracal.Gateway.Forwarding;

/// <summary>A body of unknown length passed the limit while it was forwarded.</summary>
internal sealed class BodyTooLargeException() : IOException("the request body exceeds MAX_REQUEST_BYTES");
