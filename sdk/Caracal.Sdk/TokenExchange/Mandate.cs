namespace Caracal.Sdk;

/// <summary>A signed token of the STS.</summary>
/// <param name="Token">The bearer; a secret.</param>
/// <param name="ExpiresIn">Lifetime when it was issued, in seconds.</param>
/// <param name="ExpiresAt">When it ends, by this client's clock.</param>
/// <param name="TargetResources">What it is for; empty when the answer did not say.</param>
public sealed record Mandate(string Token, int ExpiresIn, DateTimeOffset ExpiresAt, IReadOnlyList<string> TargetResources)
{
    /// <summary>Never the token.</summary>
    public override string ToString() => $"Mandate {{ ExpiresAt = {ExpiresAt:O} }}";
}

/// <summary>A person's authority record, made from an identity token of a trusted issuer.</summary>
/// <param name="AuthorityRecordId">Claim <c>sid</c>: what a Session is anchored to.</param>
/// <param name="Token">Proof of it; a secret.</param>
/// <param name="ExpiresIn">Seconds.</param>
public sealed record FederatedSubject(string AuthorityRecordId, string Token, int ExpiresIn)
{
    /// <summary>Never the token.</summary>
    public override string ToString() => $"FederatedSubject {{ {AuthorityRecordId} }}";
}
