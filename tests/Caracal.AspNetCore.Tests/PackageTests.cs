using System.IO.Compression;
using System.Reflection;
using System.Xml.Linq;

namespace Caracal.AspNetCore.Tests;

/// <summary>What somebody gets who installs the libraries.</summary>
public sealed class PackageTests(PackedLibraries packed) : IClassFixture<PackedLibraries>
{
    private const string Printed =
        """
        health Healthy
        without a mandate 401
        described True
        with one test-application
        session-2 of session-1: 900 s
        zone zone-1
        tools read_report

        """;

    [Fact]
    public void The_libraries_are_packed_and_no_service_is()
    {
        var names = Directory.EnumerateFiles(packed.Packages, "*.nupkg").Select(file => Path.GetFileName(file).Replace($".{packed.Version}.nupkg", "", StringComparison.Ordinal));
        Assert.Equal(
            ["Caracal.Admin", "Caracal.AspNetCore", "Caracal.AspNetCore.OpenApi", "Caracal.Mcp", "Caracal.Protocol", "Caracal.Rego", "Caracal.Sdk", "Caracal.Testing", "Caracal.Verifier"],
            names.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Caracal.Admin")]
    [InlineData("Caracal.AspNetCore", "Caracal.Sdk", "Caracal.Verifier", "Caracal.Protocol")]
    [InlineData("Caracal.AspNetCore.OpenApi", "Caracal.AspNetCore", "Microsoft.AspNetCore.OpenApi")]
    [InlineData("Caracal.Mcp", "Caracal.AspNetCore", "Caracal.Sdk", "ModelContextProtocol.AspNetCore")]
    [InlineData("Caracal.Protocol")]
    [InlineData("Caracal.Sdk", "Caracal.Protocol", "Microsoft.Extensions.Http")]
    [InlineData("Caracal.Testing", "Caracal.Verifier", "Caracal.Protocol")]
    [InlineData("Caracal.Verifier", "Caracal.Protocol")]
    public void A_package_says_what_it_is_and_needs_nothing_unnamed(string name, params string[] needs)
    {
        using var package = Open(name);
        var about = Read(package, name + ".nuspec").Root!.Elements().Single();
        string? Said(string what) => about.Elements().SingleOrDefault(element => element.Name.LocalName == what)?.Value;
        Assert.Equal(("Apache-2.0", "README.md"), (Said("license"), Said("readme")));
        Assert.NotEqual("Package Description", Said("description"));
        using var reader = new StreamReader(package.GetEntry("README.md")!.Open());
        Assert.StartsWith("# " + name + "\n", reader.ReadToEnd().ReplaceLineEndings("\n"), StringComparison.Ordinal);
        var dependencies = about.Descendants().Where(element => element.Name.LocalName == "dependency").Select(element => element.Attribute("id")!.Value);
        Assert.Equal(needs.Order(StringComparer.Ordinal), dependencies.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("Caracal.Admin")]
    [InlineData("Caracal.AspNetCore")]
    [InlineData("Caracal.AspNetCore.OpenApi")]
    [InlineData("Caracal.Mcp")]
    [InlineData("Caracal.Protocol")]
    [InlineData("Caracal.Sdk")]
    [InlineData("Caracal.Testing")]
    [InlineData("Caracal.Verifier")]
    public void Every_public_type_is_explained_and_the_library_may_be_trimmed(string name)
    {
        using var package = Open(name);
        var explained = Read(package, $"lib/net10.0/{name}.xml").Descendants("member").Select(member => member.Attribute("name")!.Value).ToHashSet();
        var library = Assembly.Load(name);
        Assert.All(library.GetExportedTypes(), type => Assert.Contains("T:" + type.FullName!.Replace('+', '.'), explained));
        Assert.Contains(library.GetCustomAttributes<AssemblyMetadataAttribute>(), about => about is { Key: "IsTrimmable", Value: "True" });
        Assert.Contains(library.GetCustomAttributes<AssemblyMetadataAttribute>(), about => about is { Key: "IsAotCompatible", Value: "True" });
    }

    // Compiled ahead of time it takes minutes: CARACAL_TEST_AOT=1. The analyzers of both run in every build of the libraries.
    [Fact]
    public async Task A_program_made_of_the_packages_is_trimmed_without_a_warning_and_works()
    {
        string[] how = Environment.GetEnvironmentVariable("CARACAL_TEST_AOT") == "1"
            ? ["-p:PublishAot=true"]
            : ["-p:PublishTrimmed=true", "-p:SelfContained=true", "-p:EnableRequestDelegateGenerator=true"];
        Assert.Equal(Printed, await packed.RunConsumerAsync(how));
    }

    private ZipArchive Open(string name) => ZipFile.OpenRead(Path.Combine(packed.Packages, $"{name}.{packed.Version}.nupkg"));

    private static XDocument Read(ZipArchive package, string entry)
    {
        using var stream = package.GetEntry(entry)!.Open();
        return XDocument.Load(stream);
    }
}
