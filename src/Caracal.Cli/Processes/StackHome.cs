using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Processes;

/// <summary>The files of the embedded stack under <c>CARACAL_HOME</c> (cli.md 2.1, 5).</summary>
internal static class StackHome
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public static void Prepare(CaracalPaths paths)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(paths.Home);
        else Directory.CreateDirectory(paths.Home, OwnerOnly);
    }

    /// <summary>Creates what is missing and returns the variables of the stack's process.</summary>
    public static ProcessVariables Provision(ProcessVariables variables, CaracalPaths paths, Terminal terminal)
    {
        var secrets = Path.GetFullPath(paths.DevelopmentSecrets);
        RefuseInsideRepository(secrets, variables["CARACAL_REPO_ROOT"]);
        var generated = SecretFolder.Provision(secrets);
        if (generated > 0) terminal.Info($"generated {generated} operator secret file(s) under {secrets}");

        var fresh = !Directory.Exists(paths.Data);
        SecretFolder.Prepare(paths.Data);
        SecretFolder.Prepare(paths.Logs);
        WriteOperatorTemplate(paths.OperatorVariables);
        if (fresh) terminal.Info($"provisioned runtime assets at {paths.Home}");

        return variables
            .With("CARACAL_HOME", paths.Home)
            .With("CARACAL_SECRETS_DIR", secrets)
            .WithDefault("ALLOW_PRIVATE_UPSTREAMS", "true");
    }

    /// <summary>A new log for a new start; the one before is kept beside it.</summary>
    public static string FreshLog(CaracalPaths paths)
    {
        var log = Path.Combine(paths.Logs, "stack.log");
        if (File.Exists(log)) File.Move(log, log + ".1", overwrite: true);
        return log;
    }

    private static void RefuseInsideRepository(string secrets, string? repository)
    {
        for (var folder = new DirectoryInfo(secrets); folder is not null; folder = folder.Parent)
        {
            var isRoot = repository is not null && folder.FullName == Path.GetFullPath(repository).TrimEnd(Path.DirectorySeparatorChar);
            if (isRoot || File.Exists(Path.Combine(folder.FullName, "Caracal.slnx")))
            {
                throw new CommandFailure($"the secrets folder {secrets} lies inside the repository {folder.FullName}; set CARACAL_HOME or CARACAL_DEV_SECRETS_DIR to a place outside");
            }
        }
    }

    // Operators put overrides here; a secret never belongs into it.
    private static void WriteOperatorTemplate(string path)
    {
        if (!File.Exists(path)) SecretFolder.WriteOwnerOnly(path, OperatorTemplate);
        else if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static ReadOnlySpan<byte> OperatorTemplate =>
        """
        # Operator settings for Caracal, KEY=VALUE. The process environment wins. Secrets live in files, not here.
        # `caracal run` reads CARACAL_WORKLOAD_ID, CARACAL_STS_URL, CARACAL_WORKLOAD_SECRET, CARACAL_WORKLOAD_SECRET_FILE.
        #
        # CARACAL_STS_ISSUER_URL=http://localhost:8080
        # UPSTREAM_HOST_ALLOWLIST=
        # CARACAL_PRIVATE_EGRESS_HOSTS=
        # ALLOW_PRIVATE_UPSTREAMS=true
        # TRUST_PROXY=false
        # TRUSTED_PROXIES=
        # AUDIT_FSYNC=always
        # OTEL_EXPORTER_OTLP_ENDPOINT=
        # LOG_LEVEL=info

        """u8;
}
