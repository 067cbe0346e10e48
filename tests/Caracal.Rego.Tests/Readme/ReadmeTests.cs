using System.Text.RegularExpressions;

namespace Caracal.Rego.Tests.Readme;

/// <summary>The example of the package's README is the code below, and it does what the README says.</summary>
public partial class ReadmeTests
{
    [Fact]
    public void The_example_prints_true()
    {
        var console = Console.Out;
        using var printed = new StringWriter();
        Console.SetOut(printed);
        try
        {
            Example();
        }
        finally
        {
            Console.SetOut(console);
        }

        Assert.Contains("true", printed.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_example_is_the_readmes()
    {
        var root = Root();
        var readme = File.ReadAllText(Path.Combine(root, "src", "Caracal.Rego", "README.md"));
        var here = File.ReadAllLines(Path.Combine(root, "tests", "Caracal.Rego.Tests", "Readme", "ReadmeTests.cs"));
        var body = here.SkipWhile(line => line != "    private static void Example()").Skip(2).TakeWhile(line => line != "    }");

        var example = CodeBlock().Match(readme).Groups["code"].Value;

        Assert.Equal(string.Join("\n", body.Select(line => line.Length > 8 ? line[8..] : "")), example.TrimEnd('\n'));
        Assert.InRange(example.Split('\n').Length, 5, 12);
    }

    private static void Example()
    {
        var compilation = RegoCompiler.Compile(
            [new RegoModule("authz.rego", "package authz\nimport rego.v1\nallow if input.role in data.roles")],
            RegoCompilerOptions.Product);
        if (!compilation.Succeeded) throw new InvalidOperationException(string.Join("\n", compilation.Errors));

        var policy = compilation.Policy.WithData(RegoValue.FromJson("""{"roles": ["admin"]}"""));
        var query = policy.Prepare("data.authz.allow");
        var result = query.Evaluate(new RegoObjectBuilder().Add("role", "admin").Build());
        Console.WriteLine(result.Error?.ToString() ?? (result.IsDefined ? result.Value!.ToJson() : "undefined"));
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Caracal.slnx"))) folder = folder.Parent!;
        return folder.FullName;
    }

    [GeneratedRegex("```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
