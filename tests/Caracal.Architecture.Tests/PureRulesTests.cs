namespace Caracal.Architecture.Tests;

public class PureRulesTests
{
    private static readonly string[] OutsideWorld =
    [
        "System.IO.File", "System.IO.FileInfo", "System.IO.FileStream", "System.IO.Directory", "System.IO.DirectoryInfo",
        "System.Net.", "System.Data.", "System.Diagnostics.Process", "System.Console",
        "System.Threading.Timer", "Microsoft.Data.", "Microsoft.AspNetCore.",
    ];

    [Theory]
    [InlineData("Caracal.Rego")]
    [InlineData("Caracal.Protocol")]
    [InlineData("Caracal.Authority")]
    public void Refuses_rules_that_reach_for_the_outside_world(string project)
    {
        var used = AssemblyReader.ReferencedTypes(Repository.Assembly(project));

        var forbidden = used.Where(type => OutsideWorld.Any(name =>
            name.EndsWith('.') ? type.StartsWith(name, StringComparison.Ordinal) : type == name));
        // Addresses are text with rules, not a connection.
        // The compiler makes every iterator ask for its thread; nothing else of the environment is a rule's business.
        Assert.Empty(AssemblyReader.ReferencedMembers(Repository.Assembly(project), "System.Environment").Except(["get_CurrentManagedThreadId"]));
        Assert.Equal("", string.Join(", ", forbidden.Except(["System.Net.IPAddress", "System.Net.IPNetwork", "System.Net.WebUtility", "System.Net.Sockets.AddressFamily"])));
    }
}
