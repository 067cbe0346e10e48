namespace Caracal.Audit.Export;

/// <summary>An export in a folder: written beside its place, synced, and moved there without replacing anything.</summary>
/// <param name="folder">Created when it is missing.</param>
public sealed class FolderTarget(string folder) : IExportTarget
{
    private const string Unfinished = ".unfinished";

    public Task<bool> CreateAsync(string key, Stream content, CancellationToken cancellationToken) => PutAsync(key, content, mend: false, cancellationToken);

    public Task MendAsync(string key, Stream content, CancellationToken cancellationToken) => PutAsync(key, content, mend: true, cancellationToken);

    public Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken)
    {
        var path = PathOf(key);
        return Task.FromResult<Stream?>(File.Exists(path) ? new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read) : null);
    }

    public Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken)
    {
        var root = PathOf(ExportNames.Root);
        IReadOnlyList<string> keys = !Directory.Exists(root) ? []
            : [.. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
                .Where(path => !path.EndsWith(Unfinished, StringComparison.Ordinal))
                .Select(path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/'))
                .Order(StringComparer.Ordinal)];
        return Task.FromResult(keys);
    }

    private async Task<bool> PutAsync(string key, Stream content, bool mend, CancellationToken cancellationToken)
    {
        var path = PathOf(key);
        if (File.Exists(path) && !mend) return false;
        var scratch = $"{path}.{Guid.NewGuid():N}{Unfinished}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            content.Position = 0;
            await using (var file = new FileStream(scratch, FileMode.CreateNew, FileAccess.Write))
            {
                await content.CopyToAsync(file, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            // Refuses to replace: of two exporters one wins, and the other compares.
            File.Move(scratch, path, overwrite: mend);
            return true;
        }
        catch (IOException) when (!mend && File.Exists(path))
        {
            return false;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new ExportTargetException($"the export folder cannot be written: {fault.Message}", fault);
        }
        finally
        {
            File.Delete(scratch);
        }
    }

    private string PathOf(string key) => Path.Combine(folder, key);
}
