namespace Caracal.Architecture.Tests;

public class ReferenceDirectionTests
{
    // The floors of the house (DESIGN.md): a project may reference what stands on its line, and nothing else of ours.
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Caracal.Rego"] = [],
        ["Caracal.Protocol"] = [],
        ["Caracal.Authority"] = ["Caracal.Protocol", "Caracal.Rego"],
        ["Caracal.Keys"] = ["Caracal.Protocol"],
        ["Caracal.Evidence"] = ["Caracal.Protocol", "Caracal.Keys"],
        ["Caracal.Egress"] = ["Caracal.Protocol", "Caracal.Authority", "Caracal.Keys"],
        ["Caracal.Hosting"] = ["Caracal.Protocol", "Caracal.Keys"],
        ["Caracal.Storage"] = ["Caracal.Protocol", "Caracal.Authority", "Caracal.Keys", "Caracal.Evidence"],
        ["Caracal.Streams"] = ["Caracal.Protocol", "Caracal.Keys", "Caracal.Storage"],
        ["Caracal.Sts"] = [.. Service, "Caracal.Rego", "Caracal.Egress"],
        ["Caracal.Gateway"] = [.. Service, "Caracal.Egress"],
        ["Caracal.Coordinator"] = Service,
        ["Caracal.ControlPlane"] = [.. Service, "Caracal.Rego", "Caracal.Egress"],
        ["Caracal.Audit"] = Service,
        ["Caracal.Console"] = ["Caracal.Hosting", "Caracal.Keys", "Caracal.Protocol"],
        ["Caracal.Stack"] = ["Caracal.Sts", "Caracal.Gateway", "Caracal.Coordinator", "Caracal.ControlPlane", "Caracal.Audit", "Caracal.Console"],
        ["Caracal.Cli"] = ["Caracal.Stack", "Caracal.Sdk"],

        // What others build on references no server project: the words on the wire and each other, nothing else.
        ["Caracal.Sdk"] = ["Caracal.Protocol"],
        ["Caracal.Admin"] = [],
        ["Caracal.Mcp"] = ["Caracal.AspNetCore", "Caracal.Sdk"],
        ["Caracal.Testing"] = ["Caracal.Protocol", "Caracal.Verifier"],
        ["Caracal.Verifier"] = ["Caracal.Protocol"],
        ["Caracal.AspNetCore"] = ["Caracal.Protocol", "Caracal.Sdk", "Caracal.Verifier"],
        ["Caracal.AspNetCore.OpenApi"] = ["Caracal.AspNetCore"],
    };

    private static string[] Service =>
    [
        "Caracal.Hosting", "Caracal.Storage", "Caracal.Streams", "Caracal.Evidence", "Caracal.Keys", "Caracal.Authority", "Caracal.Protocol",
    ];

    private static IReadOnlyDictionary<string, string> Sources =>
        Repository.Projects("src").Concat(Repository.Projects("sdk")).ToDictionary(StringComparer.Ordinal);

    public static TheoryData<string> SourceProjects => [.. Sources.Keys];

    [Theory]
    [MemberData(nameof(SourceProjects))]
    public void Refuses_an_arrow_that_the_design_does_not_draw(string project)
    {
        Assert.True(Allowed.ContainsKey(project), $"{project} has no place in the design; give it a floor first");

        var references = Repository.References(Sources[project], "ProjectReference");

        Assert.Empty(references.Except(Allowed[project]));
    }

    [Theory]
    [MemberData(nameof(SourceProjects))]
    public void Refuses_a_project_that_leaves_the_solution(string project)
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "Caracal.slnx"));

        Assert.Contains($"/{project}.csproj", solution, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_a_test_project_that_leaves_the_solution()
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "Caracal.slnx"));

        Assert.All(Repository.Projects("tests").Keys, project => Assert.Contains($"/{project}.csproj", solution, StringComparison.Ordinal));
    }

    [Fact]
    public void Refuses_source_that_references_a_test()
    {
        Assert.All(Sources.Values, file =>
            Assert.DoesNotContain(Repository.References(file, "ProjectReference"), name => name.EndsWith("Tests", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("Caracal.Verifier")]
    [InlineData("Caracal.AspNetCore")]
    [InlineData("Caracal.Admin")]
    [InlineData("Caracal.Testing")]
    public void Refuses_a_library_that_brings_a_package_along(string project) =>
        Assert.Empty(Repository.References(Sources[project], "PackageReference"));

    [Fact]
    public void Refuses_a_package_version_outside_the_central_file()
    {
        var files = Sources.Values.Concat(Repository.Projects("tests").Values);

        Assert.All(files, file => Assert.DoesNotContain("PackageReference Include", Lines(file, "Version="), StringComparison.Ordinal));
    }

    private static string Lines(string file, string containing) =>
        string.Join('\n', File.ReadLines(file).Where(line => line.Contains(containing, StringComparison.Ordinal)));
}
