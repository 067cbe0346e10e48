using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;

namespace Caracal.Cli.Run;

/// <summary>Who launches: the workload, its secret, and where the STS is (cli.md 6.1).</summary>
internal sealed record WorkloadIdentity(string Id, string Secret, Uri Sts)
{
    public static WorkloadIdentity Read(CommandContext context, Uri sts)
    {
        var variables = context.Variables;
        var id = variables["CARACAL_WORKLOAD_ID"]
            ?? throw new CommandFailure("workload identity not found; set CARACAL_WORKLOAD_ID and CARACAL_WORKLOAD_SECRET_FILE");
        var secret = variables["CARACAL_WORKLOAD_SECRET"];
        var file = variables["CARACAL_WORKLOAD_SECRET_FILE"];
        if (secret is not null && file is not null)
        {
            throw new CommandFailure("set one of CARACAL_WORKLOAD_SECRET and CARACAL_WORKLOAD_SECRET_FILE, not both");
        }

        return new WorkloadIdentity(id, secret ?? SecretFileReader.Read(file is null ? DefaultFile(context, id) : Checked(file)), sts);
    }

    // Production states its secret: a file that happens to lie in a home is not a statement.
    private static string DefaultFile(CommandContext context, string id) =>
        RuntimeEnvironment.IsProduction(context.Variables)
            ? throw new CommandFailure("CARACAL_WORKLOAD_SECRET or CARACAL_WORKLOAD_SECRET_FILE is required in production")
            : Path.Combine(context.Paths.Configuration, "runtime", CaracalPaths.Segment(id), "secret");

    private static string Checked(string file) => file.StartsWith("ws_", StringComparison.Ordinal)
        ? throw new CommandFailure("CARACAL_WORKLOAD_SECRET_FILE holds a secret, not a path; put it into a file or into CARACAL_WORKLOAD_SECRET")
        : file;
}
