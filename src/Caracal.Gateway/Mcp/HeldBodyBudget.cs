namespace Caracal.Gateway.Mcp;

/// <summary>How many bytes all held bodies of a Gateway may take together.</summary>
internal sealed class HeldBodyBudget(long maximumBytes)
{
    private long _taken;

    public bool TryTake(int bytes)
    {
        for (var taken = Interlocked.Read(ref _taken); taken + bytes <= maximumBytes;)
        {
            var seen = Interlocked.CompareExchange(ref _taken, taken + bytes, taken);
            if (seen == taken) return true;
            taken = seen;
        }

        return false;
    }

    public void GiveBack(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
