using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Caracal.Audit.Witnesses;
using Caracal.Evidence.Checkpoints;
using Caracal.Hosting.Settings;

namespace Caracal.Audit.Checkpoints;

/// <summary>Settings of signed checkpoints; without a key there are none.</summary>
public sealed record CheckpointSettings
{
    /// <summary><c>AUDIT_CHECKPOINT_KEY</c>: 32 bytes in hex, an Ed25519 seed; its name is <c>AUDIT_CHECKPOINT_NAME</c>.</summary>
    public NoteSigner? Signer { get; init; }

    /// <summary>At most this long after an event its checkpoint is made.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>As many events do not wait for the interval.</summary>
    public int Events { get; init; } = 1000;

    /// <summary><c>AUDIT_WITNESSES</c>: who cosigns checkpoints.</summary>
    public IReadOnlyList<Witness> Witnesses { get; init; } = [];

    /// <summary><c>AUDIT_TIMESTAMP_URL</c>: an RFC 3161 authority; null asks none.</summary>
    public Uri? TimeStampUrl { get; init; }

    /// <summary><c>AUDIT_TIMESTAMP_CA_FILE</c>: who vouches for the authority, or its own certificate; empty in dev only, where any certificate passes.</summary>
    public X509Certificate2Collection TimeStampAuthorities { get; init; } = [];

    /// <summary><c>AUDIT_TIMESTAMP_SECONDS</c>: at most one time-stamp per zone in it.</summary>
    public TimeSpan TimeStampInterval { get; init; } = TimeSpan.FromHours(1);

    public static CheckpointSettings Read(SettingsReader reader)
    {
        var name = reader.Text("AUDIT_CHECKPOINT_NAME", "caracal");
        if (!NoteKey.IsName(name)) reader.Fault("AUDIT_CHECKPOINT_NAME has a space or a plus; use a name like a host name");
        var stamps = reader.Text("AUDIT_TIMESTAMP_URL") is { } text && reader.Url("AUDIT_TIMESTAMP_URL", text) is { } url ? new Uri(url) : null;
        var witnesses = Witness.ReadAll(reader);
        if ((stamps is not null || witnesses.Count > 0) && reader.Secrets.Find("AUDIT_CHECKPOINT_KEY") is null) reader.Fault("AUDIT_WITNESSES and AUDIT_TIMESTAMP_URL need AUDIT_CHECKPOINT_KEY");
        return new CheckpointSettings
        {
            Witnesses = witnesses,
            TimeStampUrl = stamps,
            TimeStampAuthorities = ReadAuthorities(reader, stamps is not null),
            TimeStampInterval = TimeSpan.FromSeconds(reader.Integer("AUDIT_TIMESTAMP_SECONDS", 3600)),
            Signer = NoteKey.IsName(name) && ReadSeed(reader) is { } seed ? new NoteSigner(name, seed) : null,
            Interval = TimeSpan.FromSeconds(reader.Integer("AUDIT_CHECKPOINT_SECONDS", 60)),
            Events = reader.Integer("AUDIT_CHECKPOINT_EVENTS", 1000),
        };
    }

    private static X509Certificate2Collection ReadAuthorities(SettingsReader reader, bool isAsked)
    {
        var authorities = new X509Certificate2Collection();
        if (reader.Text("AUDIT_TIMESTAMP_CA_FILE") is not { } path)
        {
            if (isAsked) reader.Weakness("AUDIT_TIMESTAMP_URL needs AUDIT_TIMESTAMP_CA_FILE: without it whoever answers vouches for itself");
            return authorities;
        }

        try
        {
            authorities.ImportFromPemFile(path);
            if (authorities.Count == 0) reader.Fault("AUDIT_TIMESTAMP_CA_FILE holds no certificate (PEM)");
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            reader.Fault("AUDIT_TIMESTAMP_CA_FILE cannot be read as certificates (PEM)");
        }

        return authorities;
    }

    private static byte[]? ReadSeed(SettingsReader reader)
    {
        if (reader.Secrets.Find("AUDIT_CHECKPOINT_KEY") is not { } secret) return null;
        var text = secret.Value.Reveal();
        if (text.Length == 64 && text.All(char.IsAsciiHexDigit)) return Convert.FromHexString(text);
        reader.Fault("AUDIT_CHECKPOINT_KEY must be 32 bytes in hex (openssl rand -hex 32)");
        return null;
    }
}
