using System.Text.RegularExpressions;

namespace Caracal.Architecture.Tests;

public partial class JobLockTests
{
    [Fact]
    public void No_two_jobs_wait_for_the_same_lock()
    {
        var numbers = Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.cs", SearchOption.AllDirectories)
            .SelectMany(file => JobLock().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value)
            .ToArray();

        Assert.NotEmpty(numbers);
        Assert.Equal(numbers.Distinct(StringComparer.OrdinalIgnoreCase), numbers);
    }

    [GeneratedRegex(@"AdvisoryLock\.Job\((0x[0-9A-Fa-f]+)\)")]
    private static partial Regex JobLock();
}
