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
        ["Caracal.Egress"] = ["Caracal.Protocol"],
        ["Caracal.Hosting"] = ["Caracal.Protocol", "Caracal.Keys"],
        ["Caracal.Storage"] = ["Caracal.Protocol", "Caracal.Authority", "Caracal.Keys", "Caracal.Evidence"],
        ["Caracal.Streams"] = ["Caracal.Protocol", "Caracal.Keys", "Caracal.Storage"],
        ["Caracal.Sts"] = [.. Service, "Caracal.Rego", "Caracal.Egress"],
        ["Caracal.Gateway"] = [.. Service, "Caracal.Egress"],
        ["Caracal.Coordinator"] = Service,
        ["Caracal.ControlPlane"] = [.. Service, "Caracal.Rego", "Caracal.Egress"],
        ["Caracal.Audit"] = Service,
        ["Caracal.Stack"] = ["Caracal.Sts", "Caracal.Gateway", "Caracal.Coordinator", "Caracal.ControlPlane", "Caracal.Audit"],
        ["Caracal.Cli"] = ["Caracal.Stack"],
    };

    private static string[] Service =>
    [
        "Caracal.Hosting", "Caracal.Storage", "Caracal.Streams", "Caracal.Evidence", "Caracal.Keys", "Caracal.Authority", "Caracal.Protocol",
    ];

    public static TheoryData<string> SourceProjects => [.. Repository.Projects("src").Keys];

    [Theory]
    [MemberData(nameof(SourceProjects))]
    public void Refuses_an_arrow_that_the_design_does_not_draw(string project)
    {
        Assert.True(Allowed.ContainsKey(project), $"{project} has no place in the design; give it a floor first");

        var references = Repository.References(Repository.Projects("src")[project], "ProjectReference");

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
        Assert.All(Repository.Projects("src").Values, file =>
            Assert.DoesNotContain(Repository.References(file, "ProjectReference"), name => name.EndsWith("Tests", StringComparison.Ordinal)));
    }

    [Fact]
    public void Refuses_a_package_version_outside_the_central_file()
    {
        var files = Repository.Projects("src").Values.Concat(Repository.Projects("tests").Values);

        Assert.All(files, file => Assert.DoesNotContain("PackageReference Include", Lines(file, "Version="), StringComparison.Ordinal));
    }

    private static string Lines(string file, string containing) =>
        string.Join('\n', File.ReadLines(file).Where(line => line.Contains(containing, StringComparison.Ordinal)));
}
