namespace Caracal.Audit.Export;

/// <summary>Where an export goes, and is read back from. Objects appear whole, and are never replaced.</summary>
public interface IExportTarget
{
    /// <summary>Creates an object; false when there is one of this key already, which stays as it is.</summary>
    /// <param name="key">With <c>/</c> between its parts.</param>
    /// <param name="content">Seekable, read from its beginning.</param>
    /// <param name="cancellationToken">Stops the upload; nothing of it is left.</param>
    Task<bool> CreateAsync(string key, Stream content, CancellationToken cancellationToken);

    /// <summary>
    /// Puts the whole content where an upload of it broke off. Servers that are less careful than S3 keep what they had got
    /// by then; nothing else is ever replaced.
    /// </summary>
    Task MendAsync(string key, Stream content, CancellationToken cancellationToken);

    /// <summary>The object's bytes; null when there is none.</summary>
    Task<Stream?> OpenAsync(string key, CancellationToken cancellationToken);

    /// <summary>Every key below <see cref="ExportNames.Root"/>, in order.</summary>
    Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken);
}

/// <summary>The target cannot be reached or refuses; the hour is tried again.</summary>
public sealed class ExportTargetException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The target that settings name.</summary>
public static class ExportTargets
{
    public static IExportTarget Of(ExportSettings settings, TimeProvider time) =>
        settings.Folder is { } folder ? new FolderTarget(folder) : new S3Target(settings, time);
}
