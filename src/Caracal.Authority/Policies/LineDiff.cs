namespace Caracal.Authority.Policies;

/// <summary>One line of a comparison: <c>' '</c> in both, <c>'-'</c> only before, <c>'+'</c> only after.</summary>
public readonly record struct DiffLine(char Op, string Text);

/// <summary>Compares two texts line by line. The shortest edit within <see cref="LargestTable"/>; beyond it, whole blocks.</summary>
public static class LineDiff
{
    /// <summary>Cells of the comparison table, which bounds time and memory for texts a stranger wrote.</summary>
    private const int LargestTable = 4_000_000;

    public static IReadOnlyList<DiffLine> Compare(string before, string after)
    {
        var old = before.Split('\n');
        var now = after.Split('\n');
        var head = 0;
        while (head < old.Length && head < now.Length && old[head] == now[head]) head++;
        var tail = 0;
        while (tail < old.Length - head && tail < now.Length - head && old[^(tail + 1)] == now[^(tail + 1)]) tail++;

        var lines = new List<DiffLine>(now.Length);
        for (var i = 0; i < head; i++) lines.Add(new DiffLine(' ', old[i]));
        Middle(old.AsSpan(head, old.Length - head - tail), now.AsSpan(head, now.Length - head - tail), lines);
        for (var i = old.Length - tail; i < old.Length; i++) lines.Add(new DiffLine(' ', old[i]));
        return lines;
    }

    private static void Middle(ReadOnlySpan<string> old, ReadOnlySpan<string> now, List<DiffLine> lines)
    {
        if ((long)(old.Length + 1) * (now.Length + 1) > LargestTable)
        {
            foreach (var line in old) lines.Add(new DiffLine('-', line));
            foreach (var line in now) lines.Add(new DiffLine('+', line));
            return;
        }

        var longest = Table(old, now);
        var (i, j) = (0, 0);
        while (i < old.Length || j < now.Length)
        {
            if (i < old.Length && j < now.Length && old[i] == now[j])
            {
                lines.Add(new DiffLine(' ', old[i]));
                (i, j) = (i + 1, j + 1);
            }
            else if (j == now.Length || (i < old.Length && longest[i + 1, j] >= longest[i, j + 1]))
            {
                lines.Add(new DiffLine('-', old[i++]));
            }
            else
            {
                lines.Add(new DiffLine('+', now[j++]));
            }
        }
    }

    // The length of the longest common subsequence of what follows each pair of positions.
    private static int[,] Table(ReadOnlySpan<string> old, ReadOnlySpan<string> now)
    {
        var longest = new int[old.Length + 1, now.Length + 1];
        for (var i = old.Length - 1; i >= 0; i--)
        {
            for (var j = now.Length - 1; j >= 0; j--)
            {
                longest[i, j] = old[i] == now[j] ? longest[i + 1, j + 1] + 1 : Math.Max(longest[i + 1, j], longest[i, j + 1]);
            }
        }

        return longest;
    }
}
