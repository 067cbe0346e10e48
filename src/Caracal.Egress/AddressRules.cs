using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Caracal.Egress;

/// <summary>Puts an address into its class, looking through every form that carries an IPv4 address (gateway.md A10).</summary>
public static class AddressRules
{
    /// <summary>The class of <paramref name="address"/>; where one address carries several, the strictest.</summary>
    public static AddressClass Classify(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out var length))
        {
            return AddressClass.Unspecified;
        }

        return address.AddressFamily switch
        {
            AddressFamily.InterNetwork when length == 4 => ClassifyV4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
            AddressFamily.InterNetworkV6 when length == 16 => ClassifyV6(bytes),
            _ => AddressClass.Unspecified,
        };
    }

    /// <summary>True when the class may be called; the last three classes of A10's table only where private places are open.</summary>
    public static bool IsAllowed(AddressClass @class, bool privateAllowed) => @class switch
    {
        AddressClass.Public => true,
        AddressClass.Loopback or AddressClass.Private or AddressClass.Carrier => privateAllowed,
        _ => false,
    };

    private static AddressClass ClassifyV4(uint ip) => ip switch
    {
        0xA9FEA9FE or 0x646464C8 or 0xA83F8110 => AddressClass.Metadata, // 169.254.169.254, 100.100.100.200, 168.63.129.16
        _ when In(ip, 0x00000000, 8) => AddressClass.Unspecified,
        _ when In(ip, 0xA9FE0000, 16) => AddressClass.LinkLocal,
        _ when In(ip, 0xE0000000, 4) => AddressClass.Multicast,
        _ when In(ip, 0xF0000000, 4) || In(ip, 0xC0000000, 24) => AddressClass.Reserved,
        _ when In(ip, 0x7F000000, 8) => AddressClass.Loopback,
        _ when In(ip, 0x0A000000, 8) || In(ip, 0xAC100000, 12) || In(ip, 0xC0A80000, 16) => AddressClass.Private,
        _ when In(ip, 0x64400000, 10) || In(ip, 0xC6120000, 15) => AddressClass.Carrier,
        _ => AddressClass.Public,
    };

    private static bool In(uint ip, uint network, int prefix) => (ip ^ network) >> (32 - prefix) == 0;

    private static AddressClass ClassifyV6(ReadOnlySpan<byte> ip)
    {
        var high = BinaryPrimitives.ReadUInt64BigEndian(ip);
        var low = BinaryPrimitives.ReadUInt64BigEndian(ip[8..]);
        if (high == 0 && low <= 1)
        {
            return low == 0 ? AddressClass.Unspecified : AddressClass.Loopback;
        }

        if (high == 0xFD00_0EC2_0000_0000 && low == 0x254)
        {
            return AddressClass.Metadata;
        }

        return (ip[0], ip[1]) switch
        {
            (0xFF, _) => AddressClass.Multicast,
            (0xFE, var second) when (second & 0xC0) == 0x80 => AddressClass.LinkLocal,
            (0xFE, var second) when (second & 0xC0) == 0xC0 => AddressClass.Private, // fec0::/10, site-local of old
            (0xFC or 0xFD, _) => AddressClass.Private,
            (0x20, 0x02) => V4At(ip, 2), // 6to4
            _ => ClassifyTransition(ip, high, low),
        };
    }

    private static AddressClass ClassifyTransition(ReadOnlySpan<byte> ip, ulong high, ulong low)
    {
        var middle = (uint)(low >> 32);
        if (high == 0 && middle is 0 or 0xFFFF or 0xFFFF_0000)
        {
            return V4At(ip, 12); // IPv4-compatible, -mapped, -translated
        }

        if (high == 0x0064_FF9B_0000_0000 && middle == 0)
        {
            return V4At(ip, 12); // the well-known NAT64 prefix
        }

        if (high >> 16 == 0x0064_FF9B_0001)
        {
            return ClassifyLocalNat64(ip);
        }

        // Teredo: the server's address in clear, the client's inverted.
        return high >> 32 == 0x2001_0000
            ? Strictest(V4At(ip, 4), ClassifyV4(~BinaryPrimitives.ReadUInt32BigEndian(ip[12..])))
            : AddressClass.Public;
    }

    // 64:ff9b:1::/48 may be cut at 96 bits or, as RFC 6052 2.2 lays out, at 48 (around the empty octet 8). Both
    // readings are judged; a reading that is all zero is the one not in use.
    private static AddressClass ClassifyLocalNat64(ReadOnlySpan<byte> ip)
    {
        var at96 = BinaryPrimitives.ReadUInt32BigEndian(ip[12..]);
        var at48 = ((uint)BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) << 16) | BinaryPrimitives.ReadUInt16BigEndian(ip[9..]);
        if (at96 == 0 || at48 == 0)
        {
            return ClassifyV4(at96 | at48);
        }

        return Strictest(ClassifyV4(at96), ClassifyV4(at48));
    }

    private static AddressClass V4At(ReadOnlySpan<byte> ip, int offset) =>
        ClassifyV4(BinaryPrimitives.ReadUInt32BigEndian(ip[offset..]));

    // The enum runs from what is never allowed to what always is.
    private static AddressClass Strictest(AddressClass a, AddressClass b) => a < b ? a : b;
}
