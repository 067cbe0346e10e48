using System.Reflection;
using System.Text;

namespace Caracal.AspNetCore.Tests;

/// <summary>What other people's code may call is written down; a change of it is a change of that file, seen in review.</summary>
public sealed class PublicApiTests
{
    [Theory]
    [InlineData("Caracal.Verifier")]
    [InlineData("Caracal.AspNetCore")]
    [InlineData("Caracal.Sdk")]
    [InlineData("Caracal.Admin")]
    [InlineData("Caracal.AspNetCore.OpenApi")]
    [InlineData("Caracal.Mcp")]
    [InlineData("Caracal.Testing")]
    public void The_public_surface_is_the_recorded_one(string library)
    {
        var recorded = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, library + ".PublicApi.txt")).ReplaceLineEndings("\n");
        var actual = Describe(Assembly.Load(library));
        if (recorded != actual && Environment.GetEnvironmentVariable("CARACAL_RECORD_PUBLIC_API") is { Length: > 0 } folder)
        {
            File.WriteAllText(Path.Combine(folder, library, "PublicApi.txt"), actual);
        }

        Assert.Equal(recorded, actual);
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(type.FullName).Append('\n');
            const BindingFlags Own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
            var members = type.GetMembers(Own)
                .Where(member => member is not Type && !(member is MethodInfo { IsSpecialName: true }) && !IsOfRecord(member))
                .Select(member => $"  {Describe(member)}\n")
                .Order(StringComparer.Ordinal);
            text.AppendJoin("", members);
        }

        return text.ToString();
    }

    private static string Kind(Type type) =>
        type.IsInterface ? "interface" : type.IsEnum ? "enum" : type.IsValueType ? "struct" : type.IsAbstract && type.IsSealed ? "static class" : "class";

    // What the compiler adds to a record.
    private static bool IsOfRecord(MemberInfo member) =>
        member.Name is "ToString" or "GetHashCode" or "Equals" or "<Clone>$" or "Deconstruct" or "EqualityContract";

    private static string Describe(MemberInfo member) => member switch
    {
        PropertyInfo property => $"{Name(property.PropertyType)} {property.Name} {{ {(property.GetMethod?.IsPublic == true ? "get; " : "")}{(property.SetMethod?.IsPublic == true ? "set; " : "")}}}",
        FieldInfo field => $"{Name(field.FieldType)} {field.Name}",
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        MethodInfo method => $"{Name(method.ReturnType)} {method.Name}({Parameters(method)})",
        _ => member.ToString()!,
    };

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p => $"{Name(p.ParameterType)} {p.Name}"));

    private static string Name(Type type) => type.IsGenericType
        ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
        : type.Name;
}
