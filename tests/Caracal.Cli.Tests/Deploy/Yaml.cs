using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Caracal.Cli.Tests.Deploy;

/// <summary>Documents of a YAML text, and the way to their parts.</summary>
internal static class Yaml
{
    public static string Deploy { get; } = Path.Combine(Root(), "deploy");

    public static Dictionary<object, object?> One(string text) => Assert.Single(All(text));

    public static List<Dictionary<object, object?>> All(string text)
    {
        var parser = new MergingParser(new Parser(new StringReader(text)));
        var reader = new DeserializerBuilder().Build();
        var documents = new List<Dictionary<object, object?>>();
        parser.Consume<YamlDotNet.Core.Events.StreamStart>();
        while (parser.Accept<YamlDotNet.Core.Events.DocumentStart>(out _))
        {
            if (reader.Deserialize<object?>(parser) is Dictionary<object, object?> document) documents.Add(document);
        }

        return documents;
    }

    /// <summary>A member by its path, a number counting in a list; null where there is none.</summary>
    public static object? At(this object? from, params string[] path) => path.Aggregate(from, (at, name) => at switch
    {
        Dictionary<object, object?> map => map.GetValueOrDefault(name),
        List<object?> list when int.TryParse(name, out var index) && index < list.Count => list[index],
        _ => null,
    });

    public static string? Text(this object? from, params string[] path) => from.At(path) as string;

    public static List<object?> List(this object? from, params string[] path) => from.At(path) as List<object?> ?? [];

    public static Dictionary<object, object?> Map(this object? from, params string[] path) => from.At(path) as Dictionary<object, object?> ?? [];

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Caracal.slnx"))) folder = folder.Parent;
        return folder!.FullName;
    }
}
