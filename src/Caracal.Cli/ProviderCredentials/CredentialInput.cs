using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Authority.Providers;
using Caracal.Cli.CommandLine;

namespace Caracal.Cli.ProviderCredentials;

/// <summary>A credential as it comes in: from a file or from standard input, never from the command line, where every user of the machine could read it.</summary>
internal static class CredentialInput
{
    private const int Longest = 64 * 1024;

    /// <summary>The credential's fields: those of a JSON object, or one text as the secret of the provider's kind.</summary>
    public static async Task<JsonObject> ReadAsync(CommandContext context, string kind)
    {
        var text = (await TextAsync(context)).TrimEnd('\r', '\n');
        if (text.Length == 0) throw new CommandFailure("the credential is empty");
        if (context.Arguments.Value("field") is { } field) return new JsonObject { [field] = text };
        if (!text.TrimStart().StartsWith('{')) return new JsonObject { [SecretOf(kind)] = text };
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw new CommandFailure("the credential is no JSON object");
        }
        catch (JsonException)
        {
            // What a parser says holds a piece of what it read.
            throw new CommandFailure("the credential begins like a JSON object and is none; for a secret that does so, name its --field");
        }
    }

    private static async Task<string> TextAsync(CommandContext context)
    {
        if (context.Arguments.Value("from") is { } path && path != "-")
        {
            if (!File.Exists(path)) throw new CommandFailure($"--from: there is no file {path}");
            if (new FileInfo(path).Length > Longest) throw new CommandFailure($"--from: {path} is longer than {Longest} bytes");
            return await File.ReadAllTextAsync(path, context.Stop);
        }

        if (!System.Console.IsInputRedirected) throw new CommandFailure("the credential comes from --from FILE or from standard input, where a terminal would show it");
        using var reader = new StreamReader(System.Console.OpenStandardInput(), new UTF8Encoding(false, throwOnInvalidBytes: true));
        var buffer = new char[Longest + 1];
        var read = await reader.ReadBlockAsync(buffer, context.Stop);
        return read <= Longest ? new string(buffer, 0, read) : throw new CommandFailure($"standard input is longer than {Longest} characters");
    }

    private static string SecretOf(string kind) => kind switch
    {
        ProviderKinds.ApiKey => "api_key",
        ProviderKinds.BearerToken => "bearer_token",
        ProviderKinds.HttpBasic => "password",
        _ => "client_secret",
    };
}
