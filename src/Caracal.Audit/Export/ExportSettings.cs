using System.Globalization;
using Caracal.Hosting.Settings;

namespace Caracal.Audit.Export;

/// <summary>How long the store of an export refuses to change or remove an object.</summary>
/// <param name="Mode"><c>COMPLIANCE</c> or <c>GOVERNANCE</c>.</param>
/// <param name="Days">At least 1.</param>
public sealed record ObjectLock(string Mode, int Days);

/// <summary>Settings of the Parquet export (audit.md 8); without a bucket and without a folder there is none.</summary>
public sealed record ExportSettings
{
    /// <summary><c>AUDIT_EXPORT_S3_BUCKET</c>; credentials come from the usual AWS variables and files.</summary>
    public string? Bucket { get; init; }

    /// <summary><c>AUDIT_EXPORT_S3_ENDPOINT</c>: any S3-compatible server, addressed by path; unset is AWS.</summary>
    public Uri? Endpoint { get; init; }

    public string Region { get; init; } = "us-east-1";

    /// <summary><c>AUDIT_EXPORT_DIR</c>: a folder instead of a bucket.</summary>
    public string? Folder { get; init; }

    /// <summary><c>AUDIT_EXPORT_TMP_DIR</c>: holds one hour's file until it is uploaded.</summary>
    public string TemporaryFolder { get; init; } = Path.GetTempPath();

    /// <summary><c>AUDIT_EXPORT_START_HOUR</c>: the first hour; unset is the hour of the oldest row.</summary>
    public DateTimeOffset? StartHour { get; init; }

    public ObjectLock? Lock { get; init; }

    /// <summary>A larger file is uploaded in parts of this size, at least the 5 MB that S3 demands; no variable sets it.</summary>
    public long PartBytes { get; init; } = 64L * 1024 * 1024;

    public bool IsOn => Bucket is not null || Folder is not null;

    public static ExportSettings Read(SettingsReader reader)
    {
        var bucket = reader.Text("AUDIT_EXPORT_S3_BUCKET");
        var folder = reader.Text("AUDIT_EXPORT_DIR");
        if (bucket is not null && folder is not null) reader.Fault("AUDIT_EXPORT_DIR and AUDIT_EXPORT_S3_BUCKET are both set; an export has one target");
        return new ExportSettings
        {
            Bucket = bucket,
            Folder = folder,
            Endpoint = reader.Text("AUDIT_EXPORT_S3_ENDPOINT") is { } url && reader.Url("AUDIT_EXPORT_S3_ENDPOINT", url) is { } checkedUrl ? new Uri(checkedUrl) : null,
            Region = reader.Text("AUDIT_EXPORT_S3_REGION", "us-east-1"),
            TemporaryFolder = reader.Text("AUDIT_EXPORT_TMP_DIR", Path.GetTempPath()),
            StartHour = ReadStart(reader),
            Lock = ReadLock(reader),
        };
    }

    private static DateTimeOffset? ReadStart(SettingsReader reader)
    {
        if (reader.Text("AUDIT_EXPORT_START_HOUR") is not { } text) return null;
        if (DateTimeOffset.TryParseExact(text, ExportNames.HourForm, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var hour)) return hour;
        reader.Fault("AUDIT_EXPORT_START_HOUR must be an hour such as 2026-07-12T10 (UTC)");
        return null;
    }

    private static ObjectLock? ReadLock(SettingsReader reader)
    {
        var days = reader.Integer("AUDIT_EXPORT_OBJECT_LOCK_DAYS", 0, minimum: 0);
        switch (reader.Text("AUDIT_EXPORT_OBJECT_LOCK_MODE"))
        {
            case null when days == 0:
                return null;
            case "COMPLIANCE" or "GOVERNANCE" when days > 0:
                return new ObjectLock(reader.Text("AUDIT_EXPORT_OBJECT_LOCK_MODE")!, days);
            default:
                reader.Fault("AUDIT_EXPORT_OBJECT_LOCK_MODE must be COMPLIANCE or GOVERNANCE, with AUDIT_EXPORT_OBJECT_LOCK_DAYS of at least 1");
                return null;
        }
    }
}
