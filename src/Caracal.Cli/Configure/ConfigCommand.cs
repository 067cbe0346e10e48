using System.Text;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Keys.Secrets;
using Caracal.Sdk;
using Caracal.Sdk.Configuration;

namespace Caracal.Cli.Configure;

/// <summary><c>caracal config path|check|init|explain</c> (cli.md 8): the profile that libraries and <c>run</c> read.</summary>
internal static class ConfigCommand
{
    public static Command Descriptor { get; } = new(
        "config", CommandGroup.Runtime, "write, check and explain the profile of an application",
        """
        usage: caracal config path
               caracal config init --zone Z --application A --resource R[=PREFIX]… [--secret-file PATH | --secret-stdin]
                                   [--inline] [--out PATH] [--force]
               caracal config check [--json]
               caracal config explain [--json]

        path     prints where the profile is: CARACAL_CONFIG, else caracal.toml in the configuration folder.
        init     writes one, owner-only, in an owner-only folder. The secret goes into a file of its own
                 unless --inline is given; --secret-stdin reads it from standard input.
        check    says whether content and permissions can be used. Exit 0 or 1.
        explain  lists every setting, its value and where it came from. Variables with service addresses
                 win over the profile; an identity comes from one place whole. Secrets are never shown.
        """,
        RunAsync);

    private static Task<int> RunAsync(CommandContext context) => context.Arguments.Operands switch
    {
        ["path"] => Done(() => context.Terminal.Line(context.Paths.Profile)),
        ["check"] => Done(() => Check(context)),
        ["explain"] => Done(() => Explain(context)),
        ["init"] => InitAsync(context),
        _ => throw new CommandFailure("say one of: config path, config init, config check, config explain"),
    };

    private static Task<int> Done(Action run)
    {
        run();
        return Task.FromResult(0);
    }

    private static void Check(CommandContext context)
    {
        context.Arguments.RequireKnown("json");
        var reader = Read(context);
        if (context.Json) context.Terminal.Write(Json(reader.Values));
        else context.Terminal.Success($"{Source(context)} can be used ({reader.Options.Resources.Count} resource(s))");
    }

    private static void Explain(CommandContext context)
    {
        context.Arguments.RequireKnown("json");
        var values = Read(context).Values;
        if (context.Json) context.Terminal.Write(Json(values));
        else context.Terminal.Table(["setting", "value", "from"], [.. values.Select(value => (IReadOnlyList<string?>)[value.Name, value.Value, value.Source])]);
    }

    /// <summary>The settings of this user: of the profile where there is one, else of the environment.</summary>
    internal static ConfigurationReader Read(CommandContext context)
    {
        try
        {
            var path = context.Variables["CARACAL_CONFIG"] ?? (File.Exists(context.Paths.Profile) ? context.Paths.Profile : null);
            return ConfigurationReader.Read(context.Variables.All, path);
        }
        catch (CaracalConfigurationException fault)
        {
            throw new CommandFailure(fault.Message);
        }
    }

    private static string Source(CommandContext context) =>
        context.Variables.Has("CARACAL_CONFIG") || File.Exists(context.Paths.Profile) ? context.Paths.Profile : "the environment";

    private static string Json(IReadOnlyList<ConfiguredValue> values) => JsonSerializer.Serialize(
        new { settings = values.Select(value => new { name = value.Name, value = value.Value, from = value.Source }) }, Indented) + "\n";

    private static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true };

    private static async Task<int> InitAsync(CommandContext context)
    {
        var arguments = Arguments.Parse(context.Arguments.Words, "secret-stdin", "inline", "force");
        arguments.RequireKnown("zone", "application", "resource", "secret-file", "secret-stdin", "inline", "out", "force");
        var profile = new NewProfile(
            arguments.Value("zone") ?? throw new CommandFailure("--zone is required"),
            arguments.Value("application") ?? throw new CommandFailure("--application is required"),
            [.. arguments.Values("resource").Select(NewProfile.Binding)]);
        if (profile.Resources.Count == 0) throw new CommandFailure("--resource is required at least once");
        var path = Path.GetFullPath(arguments.Value("out") ?? context.Paths.Profile);
        var force = arguments.IsOn("force");
        if (File.Exists(path) && !force) throw new CommandFailure($"{path} exists; --force replaces it");

        var secret = await SecretAsync(arguments, context);
        Ensure(Path.GetDirectoryName(path)!);
        var inline = arguments.IsOn("inline");
        var file = arguments.Value("secret-file") is { } stated && !inline ? Path.GetFullPath(stated) : null;
        if (secret is not null && !inline) file = NewProfile.SecretPath(context.Paths.Configuration, profile);
        if (secret is not null && file is not null)
        {
            Ensure(Path.GetDirectoryName(file)!);
            SecretFolder.WriteOwnerOnly(file, Encoding.UTF8.GetBytes(secret));
        }

        SecretFolder.WriteOwnerOnly(path, Encoding.UTF8.GetBytes(profile.Text(inline ? secret : null, file ?? NewProfile.SecretPath(context.Paths.Configuration, profile))));
        context.Terminal.Success($"wrote {path}");
        return 0;
    }

    // A folder that is there already may be anything, also somebody's working directory: its mode is not ours to change.
    private static void Ensure(string folder)
    {
        if (!Directory.Exists(folder)) SecretFolder.Prepare(folder);
    }

    private static async Task<string?> SecretAsync(Arguments arguments, CommandContext context)
    {
        if (arguments.IsOn("secret-stdin"))
        {
            if (arguments.Value("secret-file") is not null) throw new CommandFailure("give one of --secret-file and --secret-stdin");
            var text = (await System.Console.In.ReadToEndAsync(context.Stop)).Trim();
            return text.Length > 0 ? text : throw new CommandFailure("standard input holds no secret");
        }

        if (arguments.Value("secret-file") is not { } file) return arguments.IsOn("inline") ? throw new CommandFailure("--inline needs --secret-file or --secret-stdin") : null;
        var secret = Environment.SecretFileReader.Read(file);
        return arguments.IsOn("inline") ? secret : null;
    }
}
