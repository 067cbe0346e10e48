namespace Caracal.Streams.Redis.Resp;

/// <summary>The other side does not speak RESP3. Nothing after this point of the connection can be trusted.</summary>
public sealed class RespProtocolException(string message) : Exception(message);
