using System.Collections.Immutable;
using Caracal.Keys.Rings;

namespace Caracal.Keys.Secrets;

/// <summary>A resolved secret and where it came from; <paramref name="Path"/> is null when it came from a plain variable.</summary>
public sealed record ResolvedSecret(string Variable, SecretText Value, string? Path)
{
    /// <summary><c>file</c> or <c>env</c>, as heartbeats report it.</summary>
    public string Source => Path is null ? "env" : "file";
}

/// <summary>Finds the secrets of one role in its environment (operations.md 2.2, cli.md 3.3) and collects every problem.</summary>
/// <remarks>
/// Order: <c>NAME</c>, <c>NAME_FILE</c>, <c>&lt;CARACAL_SECRETS_DIR&gt;/&lt;fileName&gt;</c>; <c>&lt;ROLE&gt;__NAME</c> and
/// <c>&lt;ROLE&gt;__NAME_FILE</c> come first. A new source over the same environment reads the files again: that is a reload.
/// </remarks>
public sealed partial class SecretSource
{
    private const string SecretsDirectory = "CARACAL_SECRETS_DIR";

    private readonly IReadOnlyDictionary<string, string?> environment;
    private readonly string? rolePrefix;
    private readonly bool published;
    private readonly List<string> problems = [];
    private readonly List<string> warnings = [];
    private readonly SortedSet<string> watched = new(StringComparer.Ordinal);
    private readonly List<HeldValue> held = [];
    private readonly List<LoadedRing> rings = [];
    private readonly string? role;

    /// <param name="environment">Variables of this process, or of one role in a test.</param>
    /// <param name="role">Role name such as <c>sts</c>; null when there is no role prefix.</param>
    /// <param name="published">True in rc and stable: weaknesses are problems instead of warnings.</param>
    public SecretSource(IReadOnlyDictionary<string, string?> environment, string? role, bool published)
    {
        this.environment = environment;
        rolePrefix = role is null ? null : role.ToUpperInvariant() + "__";
        this.published = published;
        this.role = role;
    }

    /// <summary>Everything that must stop the start, each text naming its variable and never its value.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>What dev mode lets pass.</summary>
    public IReadOnlyList<string> Warnings => warnings;

    /// <summary>Every file a reload must watch, present or not yet, slot files included.</summary>
    public IReadOnlyCollection<string> WatchedPaths => watched;

    /// <summary>Every ring this source has handed out; a reload swaps their slots.</summary>
    internal IReadOnlyList<LoadedRing> Rings => rings;

    /// <summary>The same places, read anew.</summary>
    internal SecretSource Again() => new(environment, role, published);

    /// <summary>A secret of any kind, such as <c>DATABASE_URL</c>; null when it is not set anywhere.</summary>
    /// <param name="variable">Name without role prefix.</param>
    /// <param name="fileName">File in the secrets folder when it differs from the inventory, for example <c>stsDatabaseUrl</c>.</param>
    public ResolvedSecret? Find(string variable, string? fileName = null) =>
        Resolve(variable, fileName ?? SecretFiles.FileNameOf(variable), optionalFile: false);

    /// <summary>As <see cref="Find"/>, but a missing one is a problem.</summary>
    public ResolvedSecret? Require(string variable, string? fileName = null)
    {
        var before = problems.Count;
        var secret = Find(variable, fileName);
        if (secret is null && problems.Count == before) problems.Add($"{variable} is required");
        return secret;
    }

    private ResolvedSecret? Resolve(string variable, string fileName, bool optionalFile)
    {
        if (rolePrefix is not null && (IsSet(rolePrefix + variable) || IsSet(rolePrefix + variable + "_FILE")))
        {
            return FromVariables(rolePrefix + variable);
        }

        if (IsSet(variable) || IsSet(variable + "_FILE")) return FromVariables(variable);
        if (Value(SecretsDirectory) is not { Length: > 0 } directory) return null;

        var path = Path.Combine(directory, fileName);
        watched.Add(path);
        if (!File.Exists(path)) return null;
        var text = ReadTrimmed(path, path);
        if (text is { Length: > 0 }) return new ResolvedSecret(variable, new SecretText(text), path);
        if (text is not null && !optionalFile) problems.Add($"Secret file empty: {variable} in {path}");
        return null;
    }

    private ResolvedSecret? FromVariables(string variable)
    {
        var plain = Value(variable);
        var path = Value(variable + "_FILE");
        if (string.IsNullOrEmpty(path)) return new ResolvedSecret(variable, new SecretText(plain), null);

        if (!string.IsNullOrEmpty(plain))
        {
            // The plain variable wins; a file that disagrees is a trap for whoever rotates next (operations.md 2.2).
            if (published && ReadTrimmed(path, $"{variable}_FILE={path}") is { } other && !new SecretText(plain).Matches(other))
            {
                problems.Add($"{variable} and {variable}_FILE are both set and differ; set one");
            }

            return new ResolvedSecret(variable, new SecretText(plain), null);
        }

        watched.Add(path);
        var text = ReadTrimmed(path, $"{variable}_FILE={path}");
        if (text is { Length: > 0 }) return new ResolvedSecret(variable, new SecretText(text), path);
        if (text is not null) problems.Add($"Secret file empty: {variable}_FILE={path}");
        return null;
    }

    private string? ReadTrimmed(string path, string named)
    {
        try
        {
            var text = File.ReadAllText(path).TrimEnd();
            CheckAccess(path);
            return text;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problems.Add($"Secret file unreadable: {named}");
            return null;
        }
    }

    private void CheckAccess(string path)
    {
        if (SecretFileAccess.Problem(path) is { } problem) Weak($"Secret file {problem}");
        else if (SecretFileAccess.Warning(path) is { } warning) warnings.Add($"Secret file {warning}");
    }

    private bool IsSet(string name) => !string.IsNullOrEmpty(Value(name));

    private string? Value(string name) => environment.TryGetValue(name, out var value) ? value : null;

    private readonly record struct HeldValue(string Variable, string Class, ImmutableArray<byte> Digest);
}
