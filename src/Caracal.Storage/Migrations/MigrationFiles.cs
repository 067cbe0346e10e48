using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Caracal.Storage.Migrations;

/// <summary>The migrations inside this assembly, in order, each with what its engine adds.</summary>
internal static partial class MigrationFiles
{
    private const string Prefix = "Caracal.Storage.Migrations.";

    /// <summary>Every migration for the engine that <paramref name="dialect"/> names.</summary>
    public static IReadOnlyList<Migration> For(ISqlDialect dialect)
    {
        var assembly = typeof(MigrationFiles).Assembly;
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(".up.sql", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name => Load(assembly, name[Prefix.Length..^".up.sql".Length], dialect)),
        ];
    }

    private static Migration Load(Assembly assembly, string version, ISqlDialect dialect)
    {
        if (!VersionPattern().IsMatch(version))
        {
            throw new InvalidOperationException($"migration '{version}' is not named NNNN_name");
        }

        var shared = Read(assembly, $"{Prefix}{version}.up.sql") ?? "";
        var own = Read(assembly, $"{Prefix}{version}.{dialect.Name}.sql") ?? "";
        var text = dialect.TranslateTypes(shared + "\n" + own);
        text = ZoneVersionPattern().Replace(text, match => dialect.ZoneVersionTriggers(match.Groups["table"].Value));
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(shared + "\n" + own));
        var phase = text.Contains("-- caracal:phase contract", StringComparison.Ordinal) ? Migration.Contract : Migration.Expand;
        return new Migration(version, text, Convert.ToHexStringLower(hash), phase);
    }

    private static string? Read(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name);
        if (stream is null)
        {
            return null;
        }

        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    [GeneratedRegex("^[0-9]{4}_[A-Za-z0-9_]+$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex VersionPattern();

    [GeneratedRegex(@"\{zone_version:(?<table>[a-z_]+)\}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex ZoneVersionPattern();
}
