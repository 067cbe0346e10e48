using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>Nudges every reload when a secrets folder changes, and on SIGHUP (operations.md 4.2). What it misses, the poll finds.</summary>
internal sealed class SecretWatch : IDisposable
{
    private readonly IReadOnlyList<SecretReload> _reloads;
    private readonly List<IDisposable> _open = [];

    public SecretWatch(IReadOnlyList<SecretReload> reloads, ILogger logger)
    {
        _reloads = reloads;
        foreach (var folder in reloads.SelectMany(reload => reload.Folders).Distinct(StringComparer.Ordinal).Where(Directory.Exists))
        {
            Watch(folder, logger);
        }

        if (!OperatingSystem.IsWindows()) _open.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnHangUp));
    }

    public void Dispose() => _open.ForEach(part => part.Dispose());

    private void Watch(string folder, ILogger logger)
    {
        try
        {
            var watcher = new FileSystemWatcher(folder);
            _open.Add(watcher);
            watcher.Changed += OnChange;
            watcher.Created += OnChange;
            watcher.Deleted += OnChange;
            watcher.Renamed += OnChange;
            watcher.EnableRaisingEvents = true;
        }
        catch (Exception fault) when (fault is IOException or ArgumentException)
        {
            StackLog.FolderUnwatched(logger, fault, folder);
        }
    }

    private void OnChange(object sender, FileSystemEventArgs change) => Nudge();

    private void OnHangUp(PosixSignalContext signal)
    {
        signal.Cancel = true;
        Nudge();
    }

    private void Nudge()
    {
        foreach (var reload in _reloads) reload.Nudge();
    }
}
