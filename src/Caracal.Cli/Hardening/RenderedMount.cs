using System.Text.Json.Nodes;

namespace Caracal.Cli.Hardening;

/// <summary>What a container is given from outside: a folder of the host, or a Secret of the cluster.</summary>
/// <param name="Holder">The service or pod, and the container where they differ.</param>
/// <param name="IsOurs">False for a workload that is none of ours, such as an agent.</param>
/// <param name="Folder">Full path on the host; null for a Secret.</param>
/// <param name="Secret">Name of the Secret; null for a folder.</param>
internal sealed record RenderedMount(string Holder, bool IsOurs, string? Folder, string? Secret)
{
    /// <summary>What a compose service is given of the host: by bind mounts, and by secrets and configs that are files there.</summary>
    public static IEnumerable<RenderedMount> OfCompose(string name, bool isOurs, JsonObject service, JsonObject root)
    {
        foreach (var kind in (string[])["secrets", "configs"])
        {
            // "name" in a file; {"source":"name",…} as the engine renders it.
            foreach (var given in service[kind] as JsonArray ?? [])
            {
                var file = Text(root[kind]?[given is JsonObject rendered ? Text(rendered["source"]) : Text(given)]?["file"]);
                if (file.Length > 0) yield return new RenderedMount(name, isOurs, Path.GetFullPath(file), null);
            }
        }

        foreach (var volume in service["volumes"] as JsonArray ?? [])
        {
            // "/host:/there:ro" in a file; {"type":"bind","source":"/host",…} as the engine renders it. A name is a volume.
            var source = volume is JsonObject rendered ? Text(rendered["type"]) == "bind" ? Text(rendered["source"]) : "" : Text(volume).Split(':')[0];
            if (source.StartsWith('/') || source.StartsWith('.')) yield return new RenderedMount(name, isOurs, Path.GetFullPath(source), null);
        }
    }

    /// <summary>The host's folders and the Secrets that one container of a pod sees.</summary>
    public static IEnumerable<RenderedMount> OfPod(string holder, bool isOurs, JsonObject pod, JsonObject container)
    {
        var mounted = (container["volumeMounts"] as JsonArray ?? []).Select(mount => Text(mount?["name"])).ToHashSet(StringComparer.Ordinal);
        foreach (var volume in (pod["volumes"] as JsonArray ?? []).Where(volume => mounted.Contains(Text(volume?["name"]))))
        {
            if (Text(volume?["hostPath"]?["path"]) is { Length: > 0 } path) yield return new RenderedMount(holder, isOurs, path, null);
            foreach (var secret in Secrets(volume)) yield return new RenderedMount(holder, isOurs, null, secret);
        }

        foreach (var source in (container["envFrom"] as JsonArray ?? []).Select(source => source?["secretRef"]?["name"])
            .Concat((container["env"] as JsonArray ?? []).Select(variable => variable?["valueFrom"]?["secretKeyRef"]?["name"])))
        {
            if (Text(source) is { Length: > 0 } secret) yield return new RenderedMount(holder, isOurs, null, secret);
        }
    }

    /// <summary>Whether a folder of the host lies in this mount, or this mount in it.</summary>
    public bool Reaches(string folder) => Folder is { } mount && (IsWithin(folder, mount) || IsWithin(mount, folder));

    private static IEnumerable<string> Secrets(JsonNode? volume)
    {
        if (Text(volume?["secret"]?["secretName"]) is { Length: > 0 } name) yield return name;
        foreach (var source in volume?["projected"]?["sources"] as JsonArray ?? [])
        {
            if (Text(source?["secret"]?["name"]) is { Length: > 0 } projected) yield return projected;
        }
    }

    private static bool IsWithin(string path, string folder) => (path.TrimEnd('/') + "/").StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal);

    private static string Text(JsonNode? node) => node is JsonValue ? node.ToString() : "";
}
