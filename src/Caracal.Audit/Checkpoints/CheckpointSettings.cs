using Caracal.Evidence.Checkpoints;
using Caracal.Hosting.Settings;

namespace Caracal.Audit.Checkpoints;

/// <summary>A witness that co-signs checkpoints (C2SP tlog-witness).</summary>
/// <param name="Key">Its key.</param>
/// <param name="Address">Where <c>add-checkpoint</c> is posted.</param>
public sealed record Witness(NoteKey Key, Uri Address);

/// <summary>Settings of signed checkpoints; without a key there are none.</summary>
public sealed record CheckpointSettings
{
    /// <summary><c>AUDIT_CHECKPOINT_KEY</c>: 32 bytes in hex, an Ed25519 seed; its name is <c>AUDIT_CHECKPOINT_NAME</c>.</summary>
    public NoteSigner? Signer { get; init; }

    /// <summary><c>AUDIT_WITNESSES</c>: <c>key=url</c>, separated by spaces.</summary>
    public IReadOnlyList<Witness> Witnesses { get; init; } = [];

    /// <summary><c>AUDIT_TSA_URL</c>: an RFC 3161 time-stamp authority.</summary>
    public Uri? TimeStampAuthority { get; init; }

    /// <summary>At most this long after an event its checkpoint is made.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>As many events do not wait for the interval.</summary>
    public int Events { get; init; } = 1000;

    public static CheckpointSettings Read(SettingsReader reader)
    {
        var name = reader.Text("AUDIT_CHECKPOINT_NAME", "caracal");
        if (!NoteKey.IsName(name)) reader.Fault("AUDIT_CHECKPOINT_NAME has a space or a plus; use a name like a host name");
        return new CheckpointSettings
        {
            Signer = NoteKey.IsName(name) && ReadSeed(reader) is { } seed ? new NoteSigner(name, seed) : null,
            Witnesses = ReadWitnesses(reader),
            TimeStampAuthority = ReadAuthority(reader),
            Interval = TimeSpan.FromSeconds(reader.Integer("AUDIT_CHECKPOINT_SECONDS", 60)),
            Events = reader.Integer("AUDIT_CHECKPOINT_EVENTS", 1000),
        };
    }

    // Most deployments have none; one that is named has to be a URL.
    private static Uri? ReadAuthority(SettingsReader reader) =>
        reader.Text("AUDIT_TSA_URL") is not null && Uri.TryCreate(reader.Url("AUDIT_TSA_URL", null), UriKind.Absolute, out var url) ? url : null;

    private static byte[]? ReadSeed(SettingsReader reader)
    {
        if (reader.Secrets.Find("AUDIT_CHECKPOINT_KEY") is not { } secret) return null;
        var text = secret.Value.Reveal();
        if (text.Length == 64 && text.All(char.IsAsciiHexDigit)) return Convert.FromHexString(text);
        reader.Fault("AUDIT_CHECKPOINT_KEY must be 32 bytes in hex (openssl rand -hex 32)");
        return null;
    }

    private static List<Witness> ReadWitnesses(SettingsReader reader)
    {
        var witnesses = new List<Witness>();
        foreach (var entry in reader.Text("AUDIT_WITNESSES", "").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            // A key ends in base64, whose padding is an equals sign too: the address begins at the last "=http".
            var at = entry.LastIndexOf("=http", StringComparison.Ordinal);
            if (at > 0 && NoteKey.Parse(entry[..at]) is { Type: NoteKey.Cosignature } key && Uri.TryCreate(entry[(at + 1)..], UriKind.Absolute, out var address))
            {
                witnesses.Add(new Witness(key, address));
            }
            else
            {
                reader.Fault("AUDIT_WITNESSES wants <cosignature key>=<url>, separated by spaces");
            }
        }

        return witnesses;
    }
}
