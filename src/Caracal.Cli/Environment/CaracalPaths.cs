using System.Text.RegularExpressions;

namespace Caracal.Cli.Environment;

/// <summary>Where files are (cli.md 2.1).</summary>
internal sealed partial class CaracalPaths(ProcessVariables variables)
{
    public string Home => variables["CARACAL_HOME"] is { } home ? Path.GetFullPath(home)
        : variables["XDG_DATA_HOME"] is { } data ? Path.Combine(data, "caracal")
        : OperatingSystem.IsMacOS() ? Path.Combine(UserHome, "Library", "Application Support", "caracal")
        : OperatingSystem.IsWindows() ? Path.Combine(variables["LOCALAPPDATA"] ?? Path.Combine(UserHome, "AppData", "Local"), "caracal")
        : Path.Combine(UserHome, ".local", "share", "caracal");

    public string InstalledSecrets => variables["CARACAL_SECRETS_DIR"] ?? Path.Combine(Home, "secrets");

    public string DevelopmentSecrets =>
        variables["CARACAL_SECRETS_DIR"] ?? variables["CARACAL_DEV_SECRETS_DIR"] ?? Path.Combine(Home, "dev-secrets");

    public string Configuration => variables["CARACAL_CONFIG_HOME"] ??
        (variables["XDG_CONFIG_HOME"] is { } config ? Path.Combine(config, "caracal")
        : OperatingSystem.IsWindows() ? Path.Combine(variables["APPDATA"] ?? Path.Combine(UserHome, "AppData", "Roaming"), "Caracal")
        : OperatingSystem.IsMacOS() ? Path.Combine(UserHome, "Library", "Application Support", "Caracal")
        : Path.Combine(UserHome, ".config", "caracal"));

    public string Profile => variables["CARACAL_CONFIG"] ?? Path.Combine(Configuration, "caracal.toml");

    public string OperatorVariables => Path.Combine(Home, "caracal.env");

    public string Data => Path.Combine(Home, "data");

    public string Logs => Path.Combine(Home, "logs");

    public string StackRecord => Path.Combine(Home, "stack.json");

    public string RuntimeRecord => Path.Combine(Home, "runtime.json");

    public string Lock => Path.Combine(Home, ".lock");

    private string UserHome => variables["HOME"] ?? System.Environment.GetFolderPath(System.Environment.SpecialFolder.UserProfile);

    /// <summary>An id as one safe path segment.</summary>
    public static string Segment(string text)
    {
        var segment = Unsafe().Replace(text.Trim(), "_").Trim('_');
        return segment is "" or "." or ".." ? "default" : segment;
    }

    [GeneratedRegex("[^A-Za-z0-9._-]+")]
    private static partial Regex Unsafe();
}
