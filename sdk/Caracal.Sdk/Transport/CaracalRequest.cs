namespace Caracal.Sdk;

/// <summary>What one request tells the transport it goes through.</summary>
public static class CaracalRequest
{
    /// <summary>An approval that was given for this request.</summary>
    public static HttpRequestOptionsKey<string> ApprovalId { get; } = new("Caracal.ApprovalId");
}
