using Caracal.Cli.Environment;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Hardening.Checks;

/// <summary>Where secrets lie and what they are worth.</summary>
internal static class SecretChecks
{
    private const int LongEnough = 16; // a shorter value would be found in every text; H-SEC-5 speaks about those

    private static readonly string[] Tokens =
        [SecretFiles.AdminToken, SecretFiles.CoordinatorToken, SecretFiles.MetricsBearer, SecretFiles.AuthSecret, SecretFiles.ConsoleReportToken, SecretFiles.StsAdminToken, SecretFiles.AuditAdminToken];

    private static readonly string[] Keys =
        [SecretFiles.AuditHmacKey, SecretFiles.StreamsHmacKey, SecretFiles.GatewayStsHmacKey, SecretFiles.IdempotencyHmacKey];

    public static IReadOnlyList<Check> All { get; } =
    [
        new(
            "H-SEC-1", "secrets outside files", "environment, caracal.env", "no secret value in a plain variable",
            "it is visible in process listings, backups and logs",
            "Move each value into a file and set NAME_FILE, or put the file into CARACAL_SECRETS_DIR.",
            Check.Look(PlainVariables)) { Repairs = MoveIntoFiles },
        new(
            "H-SEC-2", "who may read secret files", "modes of the secrets folder, its files, caracal.toml, caracal.env", "0700 and 0600",
            "other local users can read operator secrets",
            "chmod 700 the folder and 600 the files.",
            Check.Look(Modes)) { Repairs = deployment => [.. Owned(deployment).Where(FileModes.IsOpen).Select(FileModes.Close)] },
        new(
            "H-SEC-3", "where the secrets folder is", "CARACAL_SECRETS_DIR", "outside every git work tree, mounted into nothing but our services",
            "agents obtain operator authority",
            "Move the folder out of the work tree and set CARACAL_SECRETS_DIR; take the mount from the workload.",
            Check.Look(Place)),
        new(
            "H-SEC-4", "one value, one purpose", "all keys and tokens", "no value serves two classes",
            "one leak opens two boundaries",
            "Replace one of the two by caracal keys rotate.",
            Check.Look(Distinct)),
        new(
            "H-SEC-5", "strength of tokens", string.Join(", ", Tokens), "32 random bytes",
            "the token can be guessed",
            "Replace it by a generated one.",
            Check.Look(Weak)),
        new(
            "H-SEC-6", "live secrets in git", "tracked files of the current repository", "no tracked file holds a live value",
            "the secret is in the history, for everybody who ever cloned it",
            "Rotate the value, then take it out of the repository.",
            TrackedAsync),
    ];

    private static Finding PlainVariables(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var name in deployment.Variables.All.Keys.Order(StringComparer.Ordinal))
        {
            var at = name.IndexOf("__", StringComparison.Ordinal);
            var bare = at < 0 ? name : name[(at + 2)..];
            if (deployment.Variables[name] is not null && OperatorEnvironment.IsSecret(bare) && !bare.EndsWith("_FILE", StringComparison.Ordinal)) verdict.Fail($"{name} is a plain variable");
        }

        foreach (var container in deployment.Objects?.Containers ?? [])
        {
            foreach (var secret in container.InlineSecrets) verdict.Fail($"{container.Name} has {secret} inline in its objects");
        }

        if (deployment.Objects is { } objects)
        {
            foreach (var (variable, _) in Live(deployment).Where(secret => secret.Value.Reveal() is { Length: >= LongEnough } text && objects.Rendered.Contains(text, StringComparison.Ordinal)))
            {
                verdict.Fail($"the objects hold the live value of {variable}");
            }
        }

        verdict.Ok("no secret is a plain variable");
        return verdict.Finding();
    }

    private static List<(string Variable, SecretText Value)> Live(Deployment deployment) => [.. SecretFiles.Generated
        .Select(file => (file.Variable, deployment.Secrets(role: null).Find(file.Variable)?.Value))
        .Where(secret => secret.Value is not null).Select(secret => (secret.Variable, secret.Value!))];

    private static IReadOnlyList<Change> MoveIntoFiles(Deployment deployment)
    {
        var path = deployment.Paths.OperatorVariables;
        if (!File.Exists(path)) return [];
        var changes = new List<Change>();
        foreach (var (name, value) in VariableFile.Parse(File.ReadAllText(path), out _))
        {
            // A file of another value is a decision for a person; so is a value for one role alone.
            if (!OperatorEnvironment.IsSecret(name) || name.EndsWith("_FILE", StringComparison.Ordinal) || value.Length == 0) continue;
            var target = Path.Combine(deployment.SecretsFolder, SecretFiles.FileNameOf(name));
            if (File.Exists(target) && File.ReadAllText(target).TrimEnd() != value) continue;
            changes.Add(new Change($"move {name} from {path} to {target}", () =>
            {
                SecretFolder.Prepare(deployment.SecretsFolder);
                SecretFolder.WriteOwnerOnly(target, System.Text.Encoding.UTF8.GetBytes(value));
                OperatorFile.Remove(path, name);
            }));
        }

        return changes;
    }

    private static Finding Modes(Deployment deployment)
    {
        if (OperatingSystem.IsWindows()) return Finding.NotEvaluated("file modes do not exist here");
        var verdict = new Verdict();
        foreach (var path in Owned(deployment))
        {
            if (FileModes.IsOpen(path)) verdict.Fail($"{path} is {FileModes.Text(path)}");
            else verdict.Ok("owner only");
        }

        return verdict.Finding($"there is no folder {deployment.SecretsFolder}");
    }

    private static IEnumerable<string> Owned(Deployment deployment)
    {
        if (Directory.Exists(deployment.SecretsFolder))
        {
            yield return deployment.SecretsFolder;
            foreach (var file in Directory.EnumerateFiles(deployment.SecretsFolder).Order(StringComparer.Ordinal)) yield return file;
        }

        foreach (var file in (string[])[deployment.Paths.OperatorVariables, deployment.Paths.Profile])
        {
            if (File.Exists(file)) yield return file;
        }
    }

    private static Finding Place(Deployment deployment)
    {
        if (!Directory.Exists(deployment.SecretsFolder))
        {
            return Mounted(deployment) is [var given, ..] ? Finding.Fail(given) : Finding.NotEvaluated($"there is no folder {deployment.SecretsFolder}");
        }

        for (var folder = new DirectoryInfo(Path.GetFullPath(deployment.SecretsFolder)); folder is not null; folder = folder.Parent)
        {
            // A file of this name is a work tree, too: git worktree and submodules use one.
            var mark = Path.Combine(folder.FullName, ".git");
            if (Directory.Exists(mark) || File.Exists(mark)) return Finding.Fail($"{deployment.SecretsFolder} lies in the git work tree {folder.FullName}");
        }

        return Mounted(deployment) is [var holder, ..] ? Finding.Fail(holder) : Finding.Ok($"{deployment.SecretsFolder} lies in no work tree");
    }

    // What rendered objects give to a container that is none of ours: the folder, a part of it, what it lies in, or a Secret of ours.
    private static List<string> Mounted(Deployment deployment)
    {
        var mounts = deployment.Objects?.Mounts ?? [];
        var folder = Path.GetFullPath(deployment.SecretsFolder);
        var secrets = mounts.Where(mount => mount is { IsOurs: true, Secret: not null }).Select(mount => mount.Secret).ToHashSet(StringComparer.Ordinal);
        return [.. mounts.Where(mount => !mount.IsOurs && (mount.Reaches(folder) || (mount.Secret is { } secret && secrets.Contains(secret))))
            .Select(mount => $"{mount.Holder} is given {mount.Folder ?? $"the Secret {mount.Secret}"}")];
    }

    private static Finding Distinct(Deployment deployment)
    {
        var secrets = deployment.Secrets(role: null);
        secrets.KekRing(required: false);
        foreach (var key in Keys) secrets.HmacRing(key, required: false);
        foreach (var token in Tokens) secrets.TokenRing(token, required: false);
        if (!Keys.Concat(Tokens).Append(SecretFiles.ZoneKek).Any(name => secrets.Find(name) is not null)) return Finding.NotEvaluated("no key and no token is set");
        var before = secrets.Problems.Count;
        secrets.CheckDistinct();
        var verdict = new Verdict();
        foreach (var problem in secrets.Problems.Skip(before)) verdict.Fail(problem);
        verdict.Ok("every value serves one class");
        return verdict.Finding();
    }

    private static Finding Weak(Deployment deployment)
    {
        var verdict = new Verdict();
        foreach (var role in deployment.Roles)
        {
            foreach (var token in Tokens)
            {
                if (deployment.Secret(role, token) is not { } secret) continue;
                if (SecretRules.TokenWeakness(secret.Value.Reveal()) is { } weakness) verdict.Fail($"{token} {weakness}");
                else verdict.Ok("random enough");
            }
        }

        return verdict.Finding("no token is set");
    }

    private static async Task<Finding> TrackedAsync(Deployment deployment, CancellationToken stop)
    {
        var live = Live(deployment);
        if (live.Count == 0) return Finding.NotEvaluated("no secret is set");
        if (await TrackedFiles.ListAsync(deployment.Variables["PWD"] ?? Directory.GetCurrentDirectory(), stop) is not { } tracked) return Finding.NotEvaluated("the current folder is no git work tree");
        return TrackedFiles.Search(tracked, live);
    }
}
