using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Keys.Backups;
using Caracal.Keys.Rings;
using Caracal.Storage.Backups;

namespace Caracal.Cli.Backups;

/// <summary>The file of a backup: a tar in gzip in a sealed archive; only its owner may read it, and only with the KEK.</summary>
internal static class BackupBundle
{
    public const string Prefix = "caracalBackup-";
    public const string Suffix = ".tar.gz.sealed";
    private const string Manifest = "manifest.json";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public static string NameOf(DateTimeOffset takenAt) =>
        Prefix + takenAt.UtcDateTime.ToString("yyyyMMddTHHmmssZ", CultureInfo.InvariantCulture) + Suffix;

    /// <summary>Bundles of a folder, oldest first.</summary>
    public static IReadOnlyList<string> In(string folder) => !Directory.Exists(folder)
        ? []
        : [.. Directory.EnumerateFiles(folder, Prefix + "*" + Suffix).Order(StringComparer.Ordinal)];

    /// <summary>Writes every file below a folder; under another name until it is whole.</summary>
    public static async Task WriteAsync(string path, KekRing ring, BackupManifest manifest, string folder, CancellationToken stop)
    {
        var unfinished = path + ".unfinished";
        File.Delete(unfinished);
        await using (var file = new FileStream(unfinished, NewFile()))
        {
            await using (var archive = SealedArchive.Create(file, ring, manifest.Description()))
            {
                await using var zip = new GZipStream(archive, CompressionLevel.Fastest);
                await using var tar = new TarWriter(zip, TarEntryFormat.Pax);
                foreach (var content in manifest.Files) await tar.WriteEntryAsync(Path.Combine(folder, content.Name), content.Name, stop);
                await tar.WriteEntryAsync(
                    new PaxTarEntry(TarEntryType.RegularFile, Manifest) { DataStream = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(manifest.Json())) }, stop);
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(unfinished, path);
    }

    /// <summary>The files below a folder with their sizes and hashes.</summary>
    public static IEnumerable<BundledFile> FilesOf(string folder)
    {
        foreach (var path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            using var file = File.OpenRead(path);
            var hash = Convert.ToHexStringLower(SHA256.HashData(file));
            yield return new BundledFile(Path.GetRelativePath(folder, path), file.Length, hash);
        }
    }

    /// <summary>Reads all of it, compares every file with the manifest, and leaves the files in a folder when one is named.</summary>
    public static async Task<BackupManifest> ReadAsync(string path, KekRing ring, string? into, CancellationToken stop)
    {
        await using var file = File.OpenRead(path);
        try
        {
            await using var archive = SealedArchive.Open(file, ring, out var description);
            RequireKeys(description, ring);
            await using var zip = new GZipStream(archive, CompressionMode.Decompress);
            await using var tar = new TarReader(zip);
            var seen = new Dictionary<string, BundledFile>(StringComparer.Ordinal);
            BackupManifest? manifest = null;
            while (await tar.GetNextEntryAsync(copyData: false, stop) is { } entry)
            {
                var data = entry.DataStream ?? Stream.Null; // An empty file has none.
                if (entry.Name == Manifest) manifest = BackupManifest.Parse(JsonNode.Parse(await ReadAllAsync(data, stop))!.AsObject());
                else seen[entry.Name] = await TakeAsync(entry.Name, data, into, stop);
            }

            await zip.CopyToAsync(Stream.Null, stop); // The last piece too, or a cut at the very end would go unseen.
            await archive.CopyToAsync(Stream.Null, stop);
            if (manifest is null) throw new StoreBackupException("the backup has no manifest");
            if (manifest.Files.FirstOrDefault(expected => seen.GetValueOrDefault(expected.Name) != expected) is { } wrong)
            {
                throw new StoreBackupException($"{wrong.Name} is not as the manifest says");
            }

            return manifest;
        }
        catch (SealedArchiveException fault)
        {
            throw new StoreBackupException(fault.Message);
        }
        catch (Exception fault) when (fault is InvalidDataException or JsonException)
        {
            throw new StoreBackupException("the backup is damaged");
        }
    }

    /// <summary>What a bundle says outside its encryption.</summary>
    public static JsonObject Describe(string path)
    {
        using var file = File.OpenRead(path);
        return SealedArchive.Describe(file);
    }

    // Before anything is touched: a store whose values nobody can open is no restored store.
    private static void RequireKeys(JsonObject description, KekRing ring)
    {
        var held = ring.Keks.Previous.Append(ring.Keks.Current).Concat(ring.Keks.Next is { } next ? [next] : []).Select(kek => kek.IdHex).ToHashSet(StringComparer.Ordinal);
        if (description["kek_ids"] is JsonObject needed && needed.Select(pair => pair.Key).FirstOrDefault(id => !held.Contains(id)) is { } missing)
        {
            throw new StoreBackupException($"values in the backup are sealed with ZONE_KEK {missing}, which is not among the keys here; put it into zoneKek.previous first");
        }
    }

    private static async Task<BundledFile> TakeAsync(string name, Stream data, string? into, CancellationToken stop)
    {
        var target = into is null ? null : Path.GetFullPath(Path.Combine(into, name));
        if (target is not null && !target.StartsWith(Path.GetFullPath(into!) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new StoreBackupException("the backup names a file outside of itself");
        }

        if (target is not null) Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        await using var file = target is null ? Stream.Null : new FileStream(target, NewFile());
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (buffer, bytes) = (new byte[81920], 0L);
        for (int read; (read = await data.ReadAsync(buffer, stop)) > 0; bytes += read)
        {
            hash.AppendData(buffer, 0, read);
            await file.WriteAsync(buffer.AsMemory(0, read), stop);
        }

        return new BundledFile(name, bytes, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static async Task<byte[]> ReadAllAsync(Stream data, CancellationToken stop)
    {
        using var all = new MemoryStream();
        await data.CopyToAsync(all, stop);
        return all.ToArray();
    }

    private static FileStreamOptions NewFile()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        return options;
    }
}
