using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Caracal.Architecture.Tests;

/// <summary>Reads what an assembly uses, without loading it.</summary>
internal static class AssemblyReader
{
    /// <summary>Full names of every type the assembly refers to outside itself.</summary>
    public static IReadOnlySet<string> ReferencedTypes(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return metadata.TypeReferences
            .Select(metadata.GetTypeReference)
            .Select(type => $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}")
            .ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Full names of every type the assembly defines.</summary>
    public static IReadOnlySet<string> DefinedTypes(string path)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return metadata.TypeDefinitions
            .Select(metadata.GetTypeDefinition)
            .Select(type => $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}")
            .ToHashSet(StringComparer.Ordinal);
    }
}
