using System.Xml.Linq;

namespace Caracal.Architecture.Tests;

/// <summary>The source tree these tests read.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Every project file below a folder, by project name.</summary>
    public static IReadOnlyDictionary<string, string> Projects(string folder)
    {
        var path = Path.Combine(Root, folder);
        return !Directory.Exists(path)
            ? new Dictionary<string, string>()
            : Directory.EnumerateFiles(path, "*.csproj", SearchOption.AllDirectories)
                .ToDictionary(file => Path.GetFileNameWithoutExtension(file), file => file, StringComparer.Ordinal);
    }

    public static IReadOnlyList<string> References(string projectFile, string element) =>
    [
        .. XDocument.Load(projectFile).Descendants(element)
            .Select(reference => (string?)reference.Attribute("Include") ?? "")
            .Select(include => element == "ProjectReference" ? Path.GetFileNameWithoutExtension(include.Replace('\\', '/')) : include),
    ];

    /// <summary>Every table that a migration creates on a database with roles; the embedded store has none to grant anything to.</summary>
    public static IReadOnlySet<string> Tables { get; } = Directory
        .EnumerateFiles(Path.Combine(Root, "src", "Caracal.Storage", "Migrations"), "*.sql")
        .Where(file => !file.EndsWith(".sqlite.sql", StringComparison.Ordinal))
        .SelectMany(file => System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(file), "CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)"))
        .Select(match => match.Groups[1].Value)
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>The compiled assembly of a source project, as it lies beside the test run's configuration.</summary>
    public static string Assembly(string project)
    {
        var name = project == "Caracal.Cli" ? "caracal" : project;
        var configuration = AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
            ? "Release"
            : "Debug";
        return Path.Combine(Root, "src", project, "bin", configuration, "net10.0", name + ".dll");
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Caracal.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("the tests run outside the repository");
    }
}
