using System.Net;
using Caracal.Egress;

namespace Caracal.Egress.Tests;

public sealed class AddressRulesTests
{
    [Theory]
    [InlineData("169.254.0.1", AddressClass.LinkLocal)]
    [InlineData("169.254.255.255", AddressClass.LinkLocal)]
    [InlineData("fe80::1", AddressClass.LinkLocal)]
    [InlineData("febf::1", AddressClass.LinkLocal)]
    [InlineData("224.0.0.1", AddressClass.Multicast)]
    [InlineData("239.255.255.255", AddressClass.Multicast)]
    [InlineData("ff01::1", AddressClass.Multicast)]
    [InlineData("ff02::fb", AddressClass.Multicast)]
    [InlineData("0.0.0.0", AddressClass.Unspecified)]
    [InlineData("0.1.2.3", AddressClass.Unspecified)]
    [InlineData("::", AddressClass.Unspecified)]
    [InlineData("169.254.169.254", AddressClass.Metadata)]
    [InlineData("fd00:ec2::254", AddressClass.Metadata)]
    [InlineData("100.100.100.200", AddressClass.Metadata)]
    [InlineData("168.63.129.16", AddressClass.Metadata)]
    [InlineData("240.0.0.1", AddressClass.Reserved)]
    [InlineData("255.255.255.255", AddressClass.Reserved)]
    [InlineData("192.0.0.8", AddressClass.Reserved)]
    [InlineData("127.0.0.1", AddressClass.Loopback)]
    [InlineData("127.255.0.9", AddressClass.Loopback)]
    [InlineData("::1", AddressClass.Loopback)]
    [InlineData("10.1.2.3", AddressClass.Private)]
    [InlineData("172.16.0.1", AddressClass.Private)]
    [InlineData("172.31.255.255", AddressClass.Private)]
    [InlineData("192.168.1.1", AddressClass.Private)]
    [InlineData("fc00::1", AddressClass.Private)]
    [InlineData("fdff::1", AddressClass.Private)]
    [InlineData("fec0::1", AddressClass.Private)]
    [InlineData("100.64.0.1", AddressClass.Carrier)]
    [InlineData("100.127.255.255", AddressClass.Carrier)]
    [InlineData("198.18.0.1", AddressClass.Carrier)]
    [InlineData("198.19.255.255", AddressClass.Carrier)]
    [InlineData("172.32.0.1", AddressClass.Public)]
    [InlineData("100.128.0.1", AddressClass.Public)]
    [InlineData("198.20.0.1", AddressClass.Public)]
    [InlineData("192.0.1.1", AddressClass.Public)]
    [InlineData("8.8.8.8", AddressClass.Public)]
    [InlineData("2606:4700::1111", AddressClass.Public)]
    public void Puts_an_address_into_its_class(string address, AddressClass expected) =>
        Assert.Equal(expected, AddressRules.Classify(IPAddress.Parse(address)));

    [Theory]
    [InlineData("64:ff9b::a9fe:a9fe", AddressClass.Metadata)]
    [InlineData("64:ff9b::7f00:1", AddressClass.Loopback)]
    [InlineData("64:ff9b::808:808", AddressClass.Public)]
    [InlineData("64:ff9b:1::a9fe:a9fe", AddressClass.Metadata)]
    [InlineData("64:ff9b:1:a9fe:a9:fe00::", AddressClass.Metadata)]
    [InlineData("64:ff9b:1::", AddressClass.Unspecified)]
    [InlineData("::ffff:169.254.169.254", AddressClass.Metadata)]
    [InlineData("::ffff:10.0.0.1", AddressClass.Private)]
    [InlineData("::ffff:8.8.8.8", AddressClass.Public)]
    [InlineData("::169.254.169.254", AddressClass.Metadata)]
    [InlineData("::ffff:0:127.0.0.1", AddressClass.Loopback)]
    [InlineData("2002:a9fe:a9fe::1", AddressClass.Metadata)]
    [InlineData("2002:7f00:1::", AddressClass.Loopback)]
    [InlineData("2002:808:808::1", AddressClass.Public)]
    [InlineData("2001:0:808:808::f5ff:fffe", AddressClass.Private)] // client ~10.0.0.1
    [InlineData("2001:0:a9fe:a9fe::f7f7:f7f7", AddressClass.Metadata)] // server
    [InlineData("2001:0:808:808::f7f7:f7f7", AddressClass.Public)]
    public void Looks_through_an_embedded_IPv4_address(string address, AddressClass expected) =>
        Assert.Equal(expected, AddressRules.Classify(IPAddress.Parse(address)));

    [Theory]
    [InlineData(AddressClass.Unspecified, false, false)]
    [InlineData(AddressClass.LinkLocal, false, false)]
    [InlineData(AddressClass.Multicast, false, false)]
    [InlineData(AddressClass.Metadata, false, false)]
    [InlineData(AddressClass.Reserved, false, false)]
    [InlineData(AddressClass.Loopback, false, true)]
    [InlineData(AddressClass.Private, false, true)]
    [InlineData(AddressClass.Carrier, false, true)]
    [InlineData(AddressClass.Public, true, true)]
    public void Opens_only_private_places_where_private_is_allowed(AddressClass @class, bool byDefault, bool whenOpen)
    {
        Assert.Equal(byDefault, AddressRules.IsAllowed(@class, privateAllowed: false));
        Assert.Equal(whenOpen, AddressRules.IsAllowed(@class, privateAllowed: true));
    }
}
