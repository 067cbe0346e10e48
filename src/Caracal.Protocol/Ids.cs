namespace Caracal.Protocol;

/// <summary>Identifiers on the wire: lower-case UUIDv7 text that we make, opaque text that we accept (coordinator.md 2, api.md 1).</summary>
public static class Ids
{
    /// <summary>A new UUIDv7; ids made later sort later.</summary>
    public static string New() => Guid.CreateVersion7().ToString();

    /// <summary>A random UUIDv4, for ids that act as a capability.</summary>
    public static string NewRandom() => Guid.NewGuid().ToString();

    /// <summary>A random UUIDv4 that only names a request: unique, but not meant to be unguessable, and so it costs no system call.</summary>
    public static string NewCorrelation()
    {
        Span<byte> random = stackalloc byte[16];
        Random.Shared.NextBytes(random);
        random[6] = (byte)((random[6] & 0x0F) | 0x40);
        random[8] = (byte)((random[8] & 0x3F) | 0x80);
        return new Guid(random, bigEndian: true).ToString();
    }

    /// <summary>True for <c>^[A-Za-z0-9_.\-:]{1,128}$</c>, the form every id in a path must have.</summary>
    public static bool IsPathId(ReadOnlySpan<char> id)
    {
        if (id.Length is 0 or > 128)
        {
            return false;
        }

        foreach (var c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-' or ':'))
            {
                return false;
            }
        }

        return true;
    }
}
