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

    public static CheckpointSettings Read(SettingsReader reader)
    {
        var name = reader.Text("AUDIT_CHECKPOINT_NAME", "caracal");
        if (!NoteKey.IsName(name)) reader.Fault("AUDIT_CHECKPOINT_NAME has a space or a plus; use a name like a host name");
        return new CheckpointSettings
        {
            Signer = NoteKey.IsName(name) && ReadSeed(reader) is { } seed ? new NoteSigner(name, seed) : null,
            Interval = TimeSpan.FromSeconds(reader.Integer("AUDIT_CHECKPOINT_SECONDS", 60)),
            Events = reader.Integer("AUDIT_CHECKPOINT_EVENTS", 1000),
        };
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
