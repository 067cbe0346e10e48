namespace Caracal.Keys.Secrets;

// Long-lived key material: pinned, so a compacting collection leaves no second copy behind. It is not wiped on
// replacement, because a request that took the old snapshot may still be signing with it.
internal static class PinnedBytes
{
    public static byte[] Copy(ReadOnlySpan<byte> value)
    {
        var bytes = Allocate(value.Length);
        value.CopyTo(bytes);
        return bytes;
    }

    public static byte[] Allocate(int length) => GC.AllocateArray<byte>(length, pinned: true);
}
