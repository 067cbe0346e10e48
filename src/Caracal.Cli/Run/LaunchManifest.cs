using System.Text.Json;

namespace Caracal.Cli.Run;

/// <summary>One credential of a launch.</summary>
/// <param name="Env">Variable of the child.</param>
/// <param name="Resource">What the credential is for.</param>
/// <param name="Skippable">True when the launch goes on without it.</param>
internal sealed record LaunchBinding(string Env, string Resource, bool Skippable);

/// <summary>What a workload is started with (cli.md 6.2), checked again here: a control plane that was taken over must not reach into the child.</summary>
internal sealed record LaunchManifest(string ZoneId, string WorkloadId, IReadOnlyList<LaunchBinding> Bindings)
{
    /// <summary>Bindings at most.</summary>
    public const int LargestNumberOfBindings = 64;

    /// <exception cref="LaunchFailure">The body is no manifest.</exception>
    public static LaunchManifest Parse(JsonElement body)
    {
        var zone = Text(body, "zone_id");
        var workload = Text(body, "workload_id");
        if (!body.TryGetProperty("bindings", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            throw Invalid("bindings must be a non-empty array");
        }

        if (list.GetArrayLength() > LargestNumberOfBindings) throw Invalid($"more than {LargestNumberOfBindings} bindings");
        var bindings = list.EnumerateArray().Select(Binding).ToList();
        return CredentialNames.Problem(bindings.Select(binding => binding.Env)) is { } problem
            ? throw new LaunchFailure("manifest_invalid", problem)
            : new LaunchManifest(zone, workload, bindings);
    }

    private static LaunchBinding Binding(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object) throw Invalid("a binding must be an object");
        if (item.TryGetProperty("scopes", out var scopes)
            && (scopes.ValueKind != JsonValueKind.Array || scopes.EnumerateArray().Any(scope => scope.ValueKind != JsonValueKind.String || scope.GetString() == "")))
        {
            throw Invalid("scopes must be non-empty strings");
        }

        var warn = false;
        if (item.TryGetProperty("on_failure", out var failure))
        {
            var word = failure.ValueKind == JsonValueKind.String ? failure.GetString() : null;
            warn = word == "warn" || (word == "error" ? false : throw Invalid("on_failure must be warn or error"));
        }

        var optional = item.TryGetProperty("optional", out var flag) && flag.ValueKind == JsonValueKind.True;
        return new LaunchBinding(Text(item, "env"), Text(item, "resource"), optional && warn);
    }

    private static string Text(JsonElement item, string name) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw Invalid($"{name} must be a non-empty string");

    private static LaunchFailure Invalid(string fault) => new("manifest_invalid", "the STS answered with a manifest that is none: " + fault);
}
