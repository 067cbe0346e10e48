using Caracal.Cli.Processes;

namespace Caracal.Cli.Tests.Processes;

public sealed class AllocatorArenasTests
{
    [Fact]
    public void The_allocator_of_this_system_knows_the_setting() => Assert.Equal(OperatingSystem.IsLinux(), AllocatorArenas.Limit());
}
