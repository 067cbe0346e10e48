using System.Security.Cryptography;
using Caracal.Cli.Drills;
using Caracal.Cli.Servers;

namespace Caracal.Cli.Tests.Drills;

public sealed class DrillRunTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("caracal-drill-run-").FullName;

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public async Task A_drill_that_is_broken_off_leaves_no_Gateway_of_its_own_behind()
    {
        using var limit = new CancellationTokenSource();
        var own = new FleetService("gateway", 0, "http://127.0.0.1:9", Path.Combine(_home, "log"), new Dictionary<string, string?>());
        var secured = new SecuredGateway(own, _home);
        var drill = new Drill(
            "wrong", "nothing", "CaracalNone",
            run =>
            {
                run.Secured = secured;
                limit.Cancel();
                run.Stop.ThrowIfCancellationRequested();
                return Task.CompletedTask;
            },
            _ => Task.CompletedTask, _ => Task.CompletedTask);

        // The system is asked in the first step only, which fails without one.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new DrillRun(drill, null!, limit.Token).RunAsync());
        Assert.ThrowsAny<CryptographicException>(() => secured.Certify(days: 1)); // it is disposed of
    }
}
