using Caracal.Cli.CommandLine;
using Caracal.Cli.Processes;
using Caracal.Stack;

namespace Caracal.Cli.Environment;

/// <summary>One service as <c>status</c> and <c>up</c> address it.</summary>
internal sealed record ServiceUrl(string Name, Uri Url)
{
    public int Port => Url.Port;
}

/// <summary>Where the five services are (cli.md 3.5), in the order in which <c>status</c> lists them.</summary>
internal static class ServiceUrls
{
    private static readonly (string Name, string[] Variables, int Port)[] Known =
    [
        ("api", ["CARACAL_API_URL"], 3000),
        ("sts", ["CARACAL_STS_URL", "CARACAL_ZONE_URL"], 8080),
        ("gateway", ["CARACAL_GATEWAY_URL"], 8081),
        ("audit", ["CARACAL_AUDIT_URL"], 9090),
        ("coordinator", ["CARACAL_COORDINATOR_URL"], 4000),
    ];

    /// <summary>The console, under the name that <c>status</c> knows it by; shown when asked for.</summary>
    private const string Web = "web";

    /// <summary>A set variable wins; else the background stack of this home, if one runs; else the local defaults.</summary>
    public static IReadOnlyList<ServiceUrl> Resolve(ProcessVariables variables, StackRecord? running, bool withConsole = false)
    {
        var services = Known.Select(service => new ServiceUrl(service.Name, Resolve(variables, running, service.Name, service.Variables, service.Port)));
        return withConsole ? [.. services, new ServiceUrl(Web, Resolve(variables, running, StackRoles.Console, ["CARACAL_WEB_URL"], 3001))] : [.. services];
    }

    /// <summary>Where one service is; asks for nothing about the others.</summary>
    public static Uri Find(string name, ProcessVariables variables, StackRecord? running)
    {
        var service = Array.Find(Known, service => service.Name == name);
        return Resolve(variables, running, service.Name, service.Variables, service.Port);
    }

    private static Uri Resolve(ProcessVariables variables, StackRecord? running, string name, string[] keys, int port)
    {
        foreach (var key in keys)
        {
            if (variables[key] is { } text) return Check(key, text, variables);
        }

        if (running is not null && running.Urls.TryGetValue(name, out var url)) return new Uri(url);
        var runtime = variables["CARACAL_ENV"] ?? variables["NODE_ENV"] ?? "development";
        return runtime == "development"
            ? new Uri($"http://localhost:{port}")
            : throw new CommandFailure($"{keys[0]} is required when the runtime environment is {runtime}");
    }

    private static Uri Check(string key, string text, ProcessVariables variables)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            throw new CommandFailure($"{key} must be an absolute http or https URL");
        }

        if (url.Scheme == "http" && url.Host is not ("localhost" or "127.0.0.1" or "[::1]")
            && variables["CARACAL_ALLOW_INSECURE_CONFIG_URLS"] != "true")
        {
            throw new CommandFailure($"{key} uses http to another host; use https, or set CARACAL_ALLOW_INSECURE_CONFIG_URLS=true");
        }

        return url;
    }
}
