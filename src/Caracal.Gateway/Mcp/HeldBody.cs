using System.Buffers;

namespace Caracal.Gateway.Mcp;

/// <summary>A body that is read before it goes upstream; it grows as its bytes come, whatever length was claimed.</summary>
/// <param name="budget">Shared by all that are held.</param>
/// <param name="maximumBytes">Longest body.</param>
internal sealed class HeldBody(HeldBodyBudget budget, int maximumBytes) : IDisposable
{
    private const int FirstBytes = 4096;
    private byte[] _bytes = [];
    private int _count;

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, _count);

    /// <summary>True when the body stays within its own bound with so much more.</summary>
    public bool HasRoomFor(long more) => _count + more <= maximumBytes;

    /// <summary>Keeps a copy; false when the budget of all bodies does not allow it.</summary>
    public bool TryAppend(in ReadOnlySequence<byte> more)
    {
        var needed = _count + (int)more.Length;
        if (needed > _bytes.Length && !TryGrow(needed)) return false;
        more.CopyTo(_bytes.AsSpan(_count));
        _count = needed;
        return true;
    }

    /// <summary>Gives its part of the budget back.</summary>
    public void Dispose()
    {
        budget.GiveBack(_bytes.Length);
        (_bytes, _count) = ([], 0);
    }

    // The old array counts until the new one has what was in it.
    private bool TryGrow(int needed)
    {
        var length = (int)Math.Max(needed, Math.Min(Math.Max(FirstBytes, _bytes.Length * 2L), maximumBytes));
        if (!budget.TryTake(length)) return false;
        var grown = new byte[length];
        Memory.CopyTo(grown);
        budget.GiveBack(_bytes.Length);
        _bytes = grown;
        return true;
    }
}
