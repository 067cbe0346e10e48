namespace Caracal.Egress;

/// <summary>What kind of place an IP address is (gateway.md A10). The default is one that nobody may call.</summary>
public enum AddressClass
{
    /// <summary>0.0.0.0/8 and ::, and anything that could not be classified.</summary>
    Unspecified,
    LinkLocal,
    Multicast,

    /// <summary>A cloud's instance metadata service, wherever its address lies.</summary>
    Metadata,
    Reserved,
    Loopback,
    Private,

    /// <summary>Carrier NAT and benchmark networks.</summary>
    Carrier,
    Public,
}
