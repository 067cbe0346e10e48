using System.Globalization;
using Caracal.Keys.Secrets;

namespace Caracal.Hosting.Settings;

/// <summary>
/// Reads the settings of one role from its environment and collects every fault, so that a start that is refused names
/// all of them at once (operations.md 2.3). No fault text ever holds a value of a secret.
/// </summary>
/// <remarks><c>&lt;ROLE&gt;__NAME</c> wins over <c>NAME</c> for that role (operations.md 2.2); an empty variable counts as unset.</remarks>
public sealed class SettingsReader
{
    private readonly IReadOnlyDictionary<string, string?> _environment;
    private readonly string _rolePrefix;
    private readonly List<string> _faults = [];
    private readonly List<string> _warnings = [];
    private readonly SortedSet<string> _names = new(StringComparer.Ordinal);

    /// <param name="environment">The variables.</param>
    /// <param name="role">The role's name in lower case, for example <c>sts</c>.</param>
    public SettingsReader(IReadOnlyDictionary<string, string?> environment, string role)
    {
        _environment = environment;
        _rolePrefix = role.ToUpperInvariant() + "__";
        Role = role;
        if (!CaracalModes.TryParse(Value("CARACAL_MODE"), out var mode))
        {
            Fault("CARACAL_MODE must be 'dev', 'rc', or 'stable'");
        }

        Mode = mode;
        Secrets = new SecretSource(environment, role, mode.IsPublished());
        RefuseInsecureSwitches();
    }

    public string Role { get; }

    public CaracalMode Mode { get; }

    /// <summary>True for rc and stable.</summary>
    public bool Published => Mode.IsPublished();

    /// <summary>Finds and checks key material; its problems are part of <see cref="Faults"/>.</summary>
    public SecretSource Secrets { get; }

    /// <summary>Every variable that was asked for; the reference page is generated from it.</summary>
    public IReadOnlyCollection<string> Names => _names;

    /// <summary>Everything that must stop the start.</summary>
    public IReadOnlyList<string> Faults => [.. _faults, .. Secrets.Problems];

    /// <summary>What may start but should not stay so; logged at the start.</summary>
    public IReadOnlyList<string> Warnings => [.. _warnings, .. Secrets.Warnings];

    /// <summary>Adds a warning; start it with the variable's name.</summary>
    public void Warn(string text) => _warnings.Add(text);

    /// <summary>Adds what rc and stable refuse and dev only warns of; start it with the variable's name.</summary>
    public void Weakness(string text) => (Published ? _faults : _warnings).Add(text);

    /// <summary>Adds a fault of the caller's own; start it with the variable's name.</summary>
    public void Fault(string text) => _faults.Add(text);

    /// <summary>The variable's text, or null when unset or empty.</summary>
    public string? Text(string name)
    {
        _names.Add(name);
        return Value(name);
    }

    public string Text(string name, string whenUnset) => Text(name) ?? whenUnset;

    /// <summary>The variable's text; a missing one is a fault and reads as empty.</summary>
    public string Required(string name)
    {
        var value = Text(name);
        if (value is null)
        {
            Fault($"{name} is required");
        }

        return value ?? "";
    }

    /// <summary>A plain decimal integer within bounds.</summary>
    public int Integer(string name, int whenUnset, int minimum = 1, int maximum = int.MaxValue)
    {
        var text = Text(name);
        if (text is null)
        {
            return whenUnset;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= minimum && value <= maximum)
        {
            return value;
        }

        Fault(maximum == int.MaxValue
            ? $"{name} must be a whole number of at least {minimum}"
            : $"{name} must be a whole number between {minimum} and {maximum}");
        return whenUnset;
    }

    /// <summary><c>1/t/true/yes/on</c> or <c>0/f/false/no/off</c>, any case.</summary>
    public bool Boolean(string name, bool whenUnset)
    {
        switch (Text(name)?.ToLowerInvariant())
        {
            case null:
                return whenUnset;
            case "1" or "t" or "true" or "yes" or "on":
                return true;
            case "0" or "f" or "false" or "no" or "off":
                return false;
            default:
                Fault($"{name} must be true or false");
                return whenUnset;
        }
    }

    /// <summary>A positive duration such as <c>5s</c>, <c>1m30s</c>, <c>300ms</c>; a bare number is a fault.</summary>
    public TimeSpan Duration(string name, TimeSpan whenUnset)
    {
        var text = Text(name);
        if (text is null)
        {
            return whenUnset;
        }

        if (Durations.TryParse(text, out var value) && value > TimeSpan.Zero)
        {
            return value;
        }

        Fault($"{name} must be a positive duration such as 5s, 1m30s or 300ms");
        return whenUnset;
    }

    /// <summary>A time in whole milliseconds.</summary>
    public TimeSpan Milliseconds(string name, int whenUnset, int minimum = 1) =>
        TimeSpan.FromMilliseconds(Integer(name, whenUnset, minimum));

    /// <summary>Comma-separated, trimmed, without empties.</summary>
    public IReadOnlyList<string> List(string name) =>
        Text(name)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>An absolute http or https URL without user information, query and fragment; returned as written.</summary>
    public string? Url(string name, string? whenUnset)
    {
        var text = Text(name) ?? whenUnset;
        if (text is null)
        {
            Fault($"{name} is required");
            return null;
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttp && url.Scheme != Uri.UriSchemeHttps)
            || url.UserInfo.Length > 0 || url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            Fault($"{name} must be an absolute http or https URL without user information, query and fragment");
        }

        return text;
    }

    /// <summary>
    /// As <see cref="Url"/>; in rc and stable https, or http to a loopback or single-label host together with
    /// <c>CARACAL_ALLOW_INSECURE_CONFIG_URLS=true</c> (operations.md 2.4).
    /// </summary>
    public string? ServiceUrl(string name, string? whenUnset)
    {
        var text = Url(name, whenUnset);
        if (!Published || !Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme == Uri.UriSchemeHttps)
        {
            return text;
        }

        var near = url.IsLoopback || !url.Host.Contains('.', StringComparison.Ordinal);
        if (!near || !Boolean("CARACAL_ALLOW_INSECURE_CONFIG_URLS", false))
        {
            Fault($"{name} must use https (or name a loopback or single-label host and set CARACAL_ALLOW_INSECURE_CONFIG_URLS=true)");
        }

        return text;
    }

    /// <summary>Throws <see cref="SettingsException"/> with every fault, if there is any.</summary>
    public void ThrowIfFaulty()
    {
        if (Faults.Count > 0)
        {
            throw new SettingsException(Role, Faults);
        }
    }

    private string? Value(string name) =>
        _environment.TryGetValue(_rolePrefix + name, out var own) && !string.IsNullOrEmpty(own) ? own
        : _environment.TryGetValue(name, out var common) && !string.IsNullOrEmpty(common) ? common
        : null;

    private void RefuseInsecureSwitches()
    {
        foreach (var name in (ReadOnlySpan<string>)["INSECURE_STS", "INSECURE_HTTP"])
        {
            if (Text(name)?.ToLowerInvariant() is not ("true" or "1" or "yes" or "on"))
            {
                continue;
            }

            if (Published)
            {
                Fault($"{name} is refused outside dev");
            }
            else
            {
                Warn($"{name} is set: rc and stable refuse to start with it");
            }
        }
    }
}
