using Caracal.Hosting.Settings;

namespace Caracal.Stack;

/// <summary>Reads the settings of all roles before anything starts, so that a refused start names every fault of every role.</summary>
/// <param name="variables">The completed environment.</param>
internal sealed class RoleSettings(IReadOnlyDictionary<string, string?> variables)
{
    private readonly Dictionary<string, SettingsReader> _readers = new(StringComparer.Ordinal);

    /// <summary>The reader of a role; the same one whenever it is asked for.</summary>
    public SettingsReader For(string role)
    {
        if (!_readers.TryGetValue(role, out var reader))
        {
            _readers[role] = reader = new SettingsReader(variables, role);
        }

        return reader;
    }

    /// <summary>What takes rotated keys into each role; ask before <see cref="ThrowIfFaulty"/>, after all settings are read.</summary>
    public IReadOnlyList<SecretReload> Reloads(TimeProvider time)
    {
        var turn = new SemaphoreSlim(1, 1);
        return [.. _readers.Values.Select(reader => new SecretReload(reader, time, turn))];
    }

    /// <summary>What may start but should not stay so, by role.</summary>
    public IEnumerable<(string Role, string Warning)> Warnings =>
        _readers.Values.SelectMany(reader => reader.Warnings.Select(warning => (reader.Role, warning)));

    /// <summary>Throws with the faults of all roles, each once.</summary>
    public void ThrowIfFaulty()
    {
        foreach (var reader in _readers.Values)
        {
            reader.Secrets.CheckDistinct();
        }

        var faults = _readers.Values.SelectMany(reader => reader.Faults.Select(fault => (reader.Role, Fault: fault)))
            .GroupBy(entry => entry.Fault, StringComparer.Ordinal)
            .Select(group => $"{group.Key} ({string.Join(", ", group.Select(entry => entry.Role).Distinct())})")
            .ToList();
        if (faults.Count > 0)
        {
            throw new SettingsException("stack", faults);
        }
    }
}
