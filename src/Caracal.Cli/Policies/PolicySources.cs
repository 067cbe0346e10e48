using System.Text;
using Caracal.Cli.CommandLine;
using Caracal.Rego;

namespace Caracal.Cli.Policies;

/// <summary>The files a policy command was given, and how it reads them.</summary>
internal static class PolicySources
{
    private const int MaxFiles = 10_000;
    private const int MaxModuleBytes = 1 << 20;
    private const int MaxInputBytes = 1 << 20;
    private const int MaxDataBytes = 64 << 20;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The modules under the paths, folders in the order of their names. A file named twice is read once.</summary>
    public static IReadOnlyList<RegoModule> Modules(IReadOnlyList<string> paths)
    {
        if (paths.Count == 0) throw new CommandFailure("name at least one .rego file or folder, or - for standard input");
        var files = paths.SelectMany(Files).Distinct(StringComparer.Ordinal).ToList();
        if (files.Count > MaxFiles) throw new CommandFailure($"more than {MaxFiles} files");
        return [.. files.Select(file => new RegoModule(file == "-" ? "stdin" : file, Text(file)))];
    }

    /// <summary>How modules are compiled: as the product does, unless told otherwise.</summary>
    public static RegoCompilerOptions Options(Arguments arguments)
    {
        var options = arguments.IsOn("all-builtins") ? new RegoCompilerOptions() : RegoCompilerOptions.Product;
        return options with { Mode = Syntax(arguments) };
    }

    public static RegoLanguageMode Syntax(Arguments arguments) => (arguments.Value("syntax") ?? "auto") switch
    {
        "auto" => RegoLanguageMode.Auto,
        "v1" => RegoLanguageMode.V1,
        "v0" => RegoLanguageMode.V0,
        var other => throw new CommandFailure($"--syntax must be auto, v1 or v0 (got '{other}')"),
    };

    /// <summary>The base documents of every <c>--data</c>, merged key by key; the later file wins.</summary>
    public static RegoValue Data(Arguments arguments)
    {
        var all = RegoValue.EmptyObject;
        foreach (var file in arguments.Values("data"))
        {
            var value = Json(file, MaxDataBytes);
            if (value.Kind != RegoKind.Object) throw new CommandFailure($"{file}: base documents are a JSON object");
            all = Merge(all, value);
        }

        return all;
    }

    public static RegoValue? Input(Arguments arguments) => arguments.Value("input") is { } file ? Json(file, MaxInputBytes) : null;

    public static string Text(string file)
    {
        try
        {
            var text = s_utf8.GetString(Bytes(file, MaxModuleBytes));
            return text.StartsWith('\uFEFF') ? text[1..] : text;
        }
        catch (DecoderFallbackException)
        {
            throw new CommandFailure($"{file}: not UTF-8");
        }
    }

    private static RegoValue Json(string file, int limit)
    {
        try
        {
            return RegoValue.FromUtf8Json(Bytes(file, limit));
        }
        catch (FormatException fault)
        {
            throw new CommandFailure($"{file}: {fault.Message}");
        }
    }

    private static byte[] Bytes(string file, int limit)
    {
        try
        {
            using var source = file == "-" ? System.Console.OpenStandardInput() : File.OpenRead(file);
            using var bytes = new MemoryStream();
            var buffer = new byte[81_920];
            for (int read; (read = source.Read(buffer)) > 0;)
            {
                if (bytes.Length + read > limit) throw new CommandFailure($"{file}: larger than {limit} bytes");
                bytes.Write(buffer, 0, read);
            }

            return bytes.ToArray();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailure($"{file}: {(fault is FileNotFoundException or DirectoryNotFoundException ? "no such file" : fault.Message)}");
        }
    }

    private static IEnumerable<string> Files(string path)
    {
        if (path == "-" || !Directory.Exists(path)) return [path];
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.ReparsePoint };
        var files = Directory.EnumerateFiles(path, "*.rego", options).Order(StringComparer.Ordinal).ToList();
        return files.Count > 0 ? files : throw new CommandFailure($"{path}: no .rego file in this folder");
    }

    private static RegoValue Merge(RegoValue under, RegoValue over)
    {
        if (under.Kind != RegoKind.Object || over.Kind != RegoKind.Object) return over;
        return RegoValue.Object(under.Properties.Concat(over.Properties.Select(p =>
            KeyValuePair.Create(p.Key, under.Find(p.Key) is { } old ? Merge(old, p.Value) : p.Value))));
    }
}
