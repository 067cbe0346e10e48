using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Caracal.Storage.Backups;

namespace Caracal.Cli.Backups;

/// <summary>A file inside a bundle.</summary>
internal sealed record BundledFile(string Name, long Bytes, string Sha256);

/// <summary>What a bundle says of itself: <c>manifest.json</c>, its last entry.</summary>
internal sealed record BackupManifest(
    DateTimeOffset TakenAt, string Product, StoreContent Content, IReadOnlyDictionary<string, string> Keys, ImmutableArray<BundledFile> Files)
{
    public const int Version = 2;

    /// <summary>What stands outside the encryption, so that one can see which keys it needs.</summary>
    public JsonObject Description() => new()
    {
        ["version"] = Version,
        ["taken_at"] = TakenAt.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
        ["product"] = Product,
        ["engine"] = Content.Engine,
        ["kek_ids"] = new JsonObject(Content.KekIds.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))),
    };

    public JsonObject Json()
    {
        var manifest = Description();
        manifest["schema"] = new JsonArray([.. Content.Schema.Select(version => (JsonNode)version)]);
        manifest["keys"] = new JsonObject(Keys.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));
        manifest["chains"] = new JsonArray([.. Content.Heads.Select(head => (JsonNode)new JsonObject
        {
            ["zone_id"] = head.ZoneId,
            ["chain_seq"] = head.Sequence,
            ["content_sha256"] = head.ContentSha256,
        })]);
        manifest["tables"] = new JsonObject(Content.Tables.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));
        manifest["months"] = new JsonArray([.. Content.Months.Select(month => (JsonNode)month)]);
        manifest["files"] = new JsonArray([.. Files.Select(file => (JsonNode)new JsonObject
        {
            ["name"] = file.Name,
            ["bytes"] = file.Bytes,
            ["sha256"] = file.Sha256,
        })]);
        return manifest;
    }

    public static BackupManifest Parse(JsonObject json)
    {
        try
        {
            if ((int)json["version"]! > Version) throw new StoreBackupException("a newer version made this backup; restore it with that version");
            var content = new StoreContent(
                (string)json["engine"]!,
                [.. json["schema"]!.AsArray().Select(version => (string)version!)],
                json["kek_ids"]!.AsObject().ToDictionary(pair => pair.Key, pair => (long)pair.Value!, StringComparer.Ordinal),
                [.. json["chains"]!.AsArray().Select(head => new ChainHead((string)head!["zone_id"]!, (long)head["chain_seq"]!, (string)head["content_sha256"]!))],
                json["tables"]!.AsObject().ToDictionary(pair => pair.Key, pair => (long)pair.Value!, StringComparer.Ordinal),
                [.. json["months"]!.AsArray().Select(month => (string)month!)]);
            return new BackupManifest(
                DateTimeOffset.Parse((string)json["taken_at"]!, CultureInfo.InvariantCulture),
                (string)json["product"]!,
                content,
                json["keys"]!.AsObject().ToDictionary(pair => pair.Key, pair => (string)pair.Value!, StringComparer.Ordinal),
                [.. json["files"]!.AsArray().Select(file => new BundledFile((string)file!["name"]!, (long)file["bytes"]!, (string)file["sha256"]!))]);
        }
        catch (Exception fault) when (fault is FormatException or InvalidOperationException or NullReferenceException or ArgumentNullException)
        {
            throw new StoreBackupException("the manifest of this backup cannot be read");
        }
    }
}
