namespace Caracal.Streams.Redis.Resp;

/// <summary>What a reply of the server is.</summary>
public enum RespKind
{
    Null,
    Text,
    Integer,
    Boolean,
    Double,
    BigNumber,
    Error,
    Array,
    Set,
    Map,
    Push,
}
