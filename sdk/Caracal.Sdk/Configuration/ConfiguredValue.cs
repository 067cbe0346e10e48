namespace Caracal.Sdk.Configuration;

/// <summary>One setting, and where it came from.</summary>
/// <param name="Name">As in <c>caracal.toml</c>.</param>
/// <param name="Value">What it is; <c>***</c> for a secret.</param>
/// <param name="Source">A variable, a file with its key, or the default.</param>
internal sealed record ConfiguredValue(string Name, string Value, string Source);
