namespace Caracal.Egress;

/// <summary>A connection was about to be made to a place the policy forbids. Carries no URL: it may hold a credential.</summary>
public sealed class EgressRefusedException() : IOException("the host is not addressable under the egress policy");
