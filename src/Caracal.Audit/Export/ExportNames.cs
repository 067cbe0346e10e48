using System.Globalization;

namespace Caracal.Audit.Export;

/// <summary>Where each hour of an export lies (audit.md 8): <c>audit/YYYY/MM/DD/YYYY-MM-DDTHH.…</c>.</summary>
public static class ExportNames
{
    public const string Root = "audit/";
    public const string HourForm = "yyyy-MM-ddTHH";
    public const string ManifestEnd = ".manifest.json";

    public static string Rows(DateTimeOffset hour) => Stem(hour) + ".parquet";

    public static string Manifest(DateTimeOffset hour) => Stem(hour) + ManifestEnd;

    /// <summary>The manifest's MAC under the audit key.</summary>
    public static string ManifestMac(DateTimeOffset hour) => Stem(hour) + ".manifest.sig";

    /// <summary>The manifest's signature under the checkpoint key, for whoever has only its public half.</summary>
    public static string ManifestNote(DateTimeOffset hour) => Stem(hour) + ".manifest.note";

    /// <summary>The hour of a manifest's key; null for any other key.</summary>
    public static DateTimeOffset? HourOf(string key)
    {
        if (!key.EndsWith(ManifestEnd, StringComparison.Ordinal)) return null;
        var name = key[(key.LastIndexOf('/') + 1)..^ManifestEnd.Length];
        return DateTimeOffset.TryParseExact(name, HourForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var hour) && Manifest(hour) == key
            ? hour
            : null;
    }

    public static DateTimeOffset HourOf(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);

    private static string Stem(DateTimeOffset hour) => hour.UtcDateTime.ToString($"'{Root}'yyyy/MM/dd/{HourForm}", CultureInfo.InvariantCulture);
}
