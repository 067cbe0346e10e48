using System.Collections.Immutable;
using Caracal.Keys.Secrets;
using Caracal.Stack;

namespace Caracal.Cli.Processes;

/// <summary>The folder and the variables of a stack that belongs to one demo or one benchmark and to nobody else.</summary>
internal sealed class PrivateStack : IDisposable
{
    private readonly bool keep;

    /// <param name="folder">Where it lives; null takes a temporary folder and removes it at the end.</param>
    /// <param name="more">Further variables.</param>
    public PrivateStack(string? folder, IReadOnlyDictionary<string, string?> more)
    {
        keep = folder is not null;
        Folder = folder is null ? Directory.CreateTempSubdirectory("caracal-").FullName : Path.GetFullPath(folder);
        SecretFolder.Prepare(Folder);
        SecretFolder.Provision(Secrets);
        SecretFolder.Prepare(Data);

        // Nothing of the operator's environment reaches it: it must behave the same everywhere.
        var variables = ImmutableDictionary.CreateBuilder<string, string?>(StringComparer.Ordinal);
        variables["PATH"] = System.Environment.GetEnvironmentVariable("PATH");
        variables["HOME"] = Folder;
        variables["CARACAL_HOME"] = Folder;
        variables["CARACAL_SECRETS_DIR"] = Secrets;
        variables["CARACAL_MODE"] = "dev";
        variables["ALLOW_PRIVATE_UPSTREAMS"] = "true";
        variables["LOG_LEVEL"] = "warn";
        foreach (var (name, value) in FreePorts.Variables().Concat(more)) variables[name] = value;
        foreach (System.Collections.DictionaryEntry own in System.Environment.GetEnvironmentVariables())
        {
            if (own.Key is string name && name.StartsWith("DOTNET_", StringComparison.Ordinal)) variables[name] = (string?)own.Value;
        }

        Variables = variables.ToImmutable();
        Urls = StackPorts.Of(Variables, StackRoles.All)
            .ToImmutableDictionary(port => port.Key, port => $"http://127.0.0.1:{port.Value}", StringComparer.Ordinal);
    }

    public string Folder { get; }

    public string Data => Path.Combine(Folder, "data");

    public string Log => Path.Combine(Folder, "stack.log");

    public IReadOnlyDictionary<string, string?> Variables { get; }

    public IReadOnlyDictionary<string, string> Urls { get; }

    /// <summary>The generated administrator token.</summary>
    public string AdminToken => Secret(SecretFiles.AdminToken);

    /// <summary>The generated operator token of the Coordinator.</summary>
    public string CoordinatorToken => Secret(SecretFiles.CoordinatorToken);

    /// <summary>The generated token that metrics are read with.</summary>
    public string MetricsToken => Secret(SecretFiles.MetricsBearer);

    /// <summary>The folder of its key material.</summary>
    public string Secrets => Path.Combine(Folder, "secrets");

    public void Dispose()
    {
        if (!keep) Directory.Delete(Folder, recursive: true);
    }

    /// <summary>A generated secret by the name of its variable.</summary>
    public string Secret(string variable) => File.ReadAllText(Path.Combine(Secrets, SecretFiles.FileNameOf(variable))).Trim();
}
