using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;

namespace Caracal.Architecture.Tests;

/// <summary>One right a statement needs: <c>S</c>, <c>I</c>, <c>U</c> or <c>D</c> on a table.</summary>
internal readonly record struct TableRight(char Verb, string Table);

/// <summary>Reads the statements of store classes out of the compiled assembly, and what rights they need.</summary>
internal static partial class SqlReader
{
    private const byte LoadString = 0x72;
    private const int UserStringTable = 0x70;

    /// <summary>The rights that each type of the assembly needs, nested types counted to their outermost one.</summary>
    public static IReadOnlyDictionary<string, IReadOnlySet<TableRight>> Rights(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        var rights = new Dictionary<string, IReadOnlySet<TableRight>>(StringComparer.Ordinal);
        foreach (var handle in metadata.TypeDefinitions)
        {
            var name = OutermostName(metadata, handle);
            if (!rights.TryGetValue(name, out var known)) rights[name] = known = new HashSet<TableRight>();
            foreach (var text in Texts(file, metadata, metadata.GetTypeDefinition(handle))) ((HashSet<TableRight>)known).UnionWith(Parse(text));
        }

        return rights;
    }

    internal static IEnumerable<TableRight> Parse(string sql)
    {
        foreach (Match match in Statement().Matches(sql))
        {
            var verb = match.Groups["verb"].Value.ToUpperInvariant() switch
            {
                "FROM" or "JOIN" => IsDelete(sql, match.Index) ? 'D' : 'S',
                "INTO" => 'I',
                _ => 'U',
            };
            yield return new TableRight(verb, match.Groups["table"].Value);
        }
    }

    private static bool IsDelete(string sql, int index) =>
        sql[..index].TrimEnd().EndsWith("DELETE", StringComparison.OrdinalIgnoreCase);

    private static string OutermostName(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var type = metadata.GetTypeDefinition(handle);
        while (!type.GetDeclaringType().IsNil) type = metadata.GetTypeDefinition(type.GetDeclaringType());
        return $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}";
    }

    private static IEnumerable<string> Texts(PEReader file, MetadataReader metadata, TypeDefinition type)
    {
        foreach (var handle in type.GetMethods())
        {
            var address = metadata.GetMethodDefinition(handle).RelativeVirtualAddress;
            if (address == 0) continue;
            var code = file.GetMethodBody(address).GetILBytes()!;
            for (var i = 0; i + 4 < code.Length; i++)
            {
                // A byte that only looks like the opcode is told apart by the token's table.
                if (code[i] != LoadString || code[i + 4] != UserStringTable) continue;
                var offset = BitConverter.ToInt32(code, i + 1) & 0xFFFFFF;
                if (offset < metadata.GetHeapSize(HeapIndex.UserString)) yield return metadata.GetUserString(MetadataTokens.UserStringHandle(offset));
            }
        }

        foreach (var handle in type.GetFields())
        {
            var constant = metadata.GetFieldDefinition(handle).GetDefaultValue();
            if (!constant.IsNil && metadata.GetConstant(constant) is { TypeCode: ConstantTypeCode.String } text)
            {
                yield return (string)metadata.GetBlobReader(text.Value).ReadConstant(ConstantTypeCode.String)!;
            }
        }
    }

    [GeneratedRegex(@"\b(?<verb>FROM|JOIN|INTO|(?<!DO )(?<!FOR )UPDATE)\s+(?<table>[a-z_]{3,})\b", RegexOptions.CultureInvariant)]
    private static partial Regex Statement();
}
