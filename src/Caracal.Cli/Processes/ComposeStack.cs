using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.Run;

namespace Caracal.Cli.Processes;

/// <summary>The packaged containers of <c>up --compose</c> (cli.md 5): <c>docker compose</c> on our files, without a shell.</summary>
internal sealed class ComposeStack
{
    private const string ReadySeconds = "120";

    // What the engine's client reads, and what our files ask for; no secret is among them.
    private static readonly string[] Passed =
    [
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSH_AUTH_SOCK", "CARACAL_IMAGE", "CARACAL_STS_URL", "UPSTREAM_HOST_ALLOWLIST",
    ];

    private readonly CommandContext _context;
    private readonly IReadOnlyList<string> _files;

    private ComposeStack(CommandContext context, IReadOnlyList<string> files)
    {
        if (files.FirstOrDefault(file => !File.Exists(file)) is { } missing) throw new CommandFailure($"there is no {missing}; run this in deploy/compose, or name the file with --file");
        (_context, _files) = (context, files);
    }

    private string Folder => Path.GetDirectoryName(_files[0])!;

    /// <summary>Makes missing secrets, starts the containers and returns when each is ready.</summary>
    public static async Task<int> UpAsync(CommandContext context)
    {
        context.Arguments.RequireKnown("compose", "file");
        var stack = new ComposeStack(context, FilesOf(context));
        if (ModeVariable.Read(context.Variables) is { } mode and not "stable") throw new CommandFailure($"CARACAL_MODE={mode}: the packaged containers run in stable");
        var paths = context.Paths;
        StackHome.Prepare(paths);
        using var held = StackLock.Take(paths.Lock);
        context.Terminal.Banner($"caracal mode: stable ({BuildInfo.Current.Version})");
        if (StackRecord.Read(paths.StackRecord) is { Process.IsRunning: true } record) throw new CommandFailure($"the embedded stack is running (pid {record.Pid}); stop it with caracal down first");
        await stack.RequireEngineAsync();
        RuntimeRecord.Read(paths.RuntimeRecord)?.RefuseIfNewerThan(BuildInfo.Current.Version, paths.Home);
        await stack.PrepareAsync();
        new RuntimeRecord(BuildInfo.Current.Version, TimeProvider.System.GetUtcNow(), RuntimeRecord.Compose, stack._files).Write(paths.RuntimeRecord);
        var exit = await stack.ComposeAsync(["up", "-d", "--remove-orphans", "--wait", "--wait-timeout", ReadySeconds, .. context.Arguments.Operands]);
        if (exit == 0) context.Terminal.Success("runtime services ready");
        else await stack.TellWhoIsNotReadyAsync();
        return exit;
    }

    /// <summary>Ends the containers that <see cref="UpAsync"/> started from these files.</summary>
    public static async Task<int> DownAsync(CommandContext context, IReadOnlyList<string> files, bool removeData)
    {
        var stack = new ComposeStack(context, files);
        await stack.RequireEngineAsync();
        return await stack.ComposeAsync(removeData ? ["down", "-v"] : ["down"]);
    }

    private static List<string> FilesOf(CommandContext context)
    {
        var named = context.Arguments.Values("file");
        return [.. (named.Count > 0 ? named : [context.Variables["CARACAL_COMPOSE_FILE"] ?? "compose.yaml"]).Select(Path.GetFullPath)];
    }

    private async Task RequireEngineAsync()
    {
        if (await DockerAsync(["compose", "version"], quiet: true) != 0) throw new CommandFailure("docker compose is not available; install the compose plugin of Docker");
        if (await DockerAsync(["info"], quiet: true) != 0) throw new CommandFailure("docker daemon is not reachable; start it, or say with DOCKER_HOST where it is");
    }

    // The last file that the script makes: an interrupted run is done again, and keeps what it has.
    private async Task PrepareAsync()
    {
        if (File.Exists(Path.Combine(Folder, "secrets", "edge", "tls.key"))) return;
        var script = Path.Combine(Folder, "prepare.sh");
        if (!File.Exists(script)) throw new CommandFailure($"there are no secrets in {Folder}, and no prepare.sh that would make them");
        if (await ChildProcess.RunAsync([script, Folder], Variables()) != 0) throw new CommandFailure($"{script} failed; nothing was started");
    }

    private async Task TellWhoIsNotReadyAsync()
    {
        foreach (var role in (string[])["api", "sts", "gateway", "audit", "coordinator"])
        {
            if (await ComposeAsync(["exec", "-T", role, "/app/caracal", "healthcheck", role]) != 0) _context.Terminal.Error($"{role} is not ready");
        }
    }

    private Task<int> ComposeAsync(IReadOnlyList<string> words) => DockerAsync(["compose", .. _files.SelectMany(file => (string[])["-f", file]), .. words]);

    private Task<int> DockerAsync(IReadOnlyList<string> words, bool quiet = false) => ChildProcess.RunAsync(["docker", .. words], Variables(), quiet);

    private Dictionary<string, string> Variables()
    {
        var variables = ChildEnvironment.Inherit(_context.Variables, _context.Terminal);
        foreach (var (name, value) in _context.Variables.All)
        {
            var isOurs = Passed.Contains(name, StringComparer.OrdinalIgnoreCase) || name.StartsWith("DOCKER_", StringComparison.Ordinal) || name.StartsWith("COMPOSE_", StringComparison.Ordinal);
            if (isOurs && value is not null) variables[name] = value;
        }

        return variables;
    }
}
