using System.Globalization;

namespace Caracal.Cli.Processes;

/// <summary>Order of versions: numeric dot parts; <c>-rc.N</c> sorts before its release (cli.md 5).</summary>
internal static class ReleaseOrder
{
    public static int Compare(string left, string right)
    {
        var (leftCore, leftSuffix) = Split(left);
        var (rightCore, rightSuffix) = Split(right);
        var cores = CompareParts(leftCore.Split('.'), rightCore.Split('.'));
        if (cores != 0) return cores;
        if (IsDevelopment(leftSuffix) || IsDevelopment(rightSuffix)) return 0; // Builds of one base version are not ordered.
        if (leftSuffix.Length == 0 || rightSuffix.Length == 0) return rightSuffix.Length.CompareTo(leftSuffix.Length);
        return CompareParts(leftSuffix.Split('.'), rightSuffix.Split('.'));
    }

    private static bool IsDevelopment(string suffix) => suffix.StartsWith("dev.", StringComparison.Ordinal);

    private static (string Core, string Suffix) Split(string version)
    {
        var dash = version.IndexOf('-', StringComparison.Ordinal);
        return dash < 0 ? (version, "") : (version[..dash], version[(dash + 1)..]);
    }

    private static int CompareParts(string[] left, string[] right)
    {
        for (var i = 0; i < Math.Max(left.Length, right.Length); i++)
        {
            var a = i < left.Length ? left[i] : "0";
            var b = i < right.Length ? right[i] : "0";
            var order = long.TryParse(a, NumberStyles.None, CultureInfo.InvariantCulture, out var x)
                && long.TryParse(b, NumberStyles.None, CultureInfo.InvariantCulture, out var y)
                ? x.CompareTo(y)
                : string.CompareOrdinal(a, b);
            if (order != 0) return order;
        }

        return 0;
    }
}
