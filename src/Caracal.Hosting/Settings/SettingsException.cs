namespace Caracal.Hosting.Settings;

/// <summary>A configuration that must not start; the process exits with <see cref="ExitCode"/>.</summary>
public sealed class SettingsException(string role, IReadOnlyList<string> faults)
    : Exception($"{role}: {string.Join("; ", faults)}")
{
    /// <summary>The exit code of a refused configuration.</summary>
    public const int ExitCode = 78;

    public string Role { get; } = role;

    /// <summary>Each names its variable and never its value.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}
