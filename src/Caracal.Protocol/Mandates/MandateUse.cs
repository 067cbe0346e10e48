namespace Caracal.Protocol.Mandates;

/// <summary>The classes of mandate, claim <c>use</c> (sts.md 6.1).</summary>
public static class MandateUse
{
    /// <summary>Lifecycle calls: accepted by the Coordinator and as subject token at the STS.</summary>
    public const string Session = "session";

    /// <summary>Single use, accepted by the Gateway only.</summary>
    public const string Gateway = "gateway";

    /// <summary>What an upstream resource server accepts.</summary>
    public const string Resource = "resource";
}
