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

    /// <summary>The members of one outside type that the assembly uses.</summary>
    public static IReadOnlySet<string> ReferencedMembers(string path, string type)
    {
        using var file = new PEReader(File.OpenRead(path));
        var metadata = file.GetMetadataReader();
        return metadata.MemberReferences
            .Select(metadata.GetMemberReference)
            .Where(member => member.Parent.Kind == HandleKind.TypeReference)
            .Where(member => FullName(metadata, (TypeReferenceHandle)member.Parent) == type)
            .Select(member => metadata.GetString(member.Name))
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

    private static string FullName(MetadataReader metadata, TypeReferenceHandle handle)
    {
        var type = metadata.GetTypeReference(handle);
        return $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}";
    }
}
