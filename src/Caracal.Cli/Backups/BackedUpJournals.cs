using Caracal.Cli.CommandLine;
using Caracal.Evidence.Journals;
using Caracal.Storage.Backups;

namespace Caracal.Cli.Backups;

/// <summary>Evidence that was recorded and is not in the ledger yet.</summary>
internal static class BackedUpJournals
{
    private const int Batch = 500;

    /// <summary>
    /// Copies the journals as they stand. Before the store is copied: what is shipped in between is in both, which ingest
    /// absorbs; the other way round it would be in neither.
    /// </summary>
    public static void Copy(string journals, string target)
    {
        foreach (var role in Directory.Exists(journals) ? Directory.GetDirectories(journals) : [])
        {
            var into = Directory.CreateDirectory(Path.Combine(target, "journal", Path.GetFileName(role)));

            // The mark first: an older one only means that some events come twice.
            foreach (var path in Directory.GetFiles(role).Where(path => !Path.GetFileName(path).StartsWith('.')).Order(StringComparer.Ordinal))
            {
                try
                {
                    using var source = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                    using var copy = File.Create(Path.Combine(into.FullName, Path.GetFileName(path)));
                    source.CopyTo(copy);
                }
                catch (FileNotFoundException)
                {
                    // Shipped, acknowledged and gone meanwhile: the ledger has it.
                }
            }
        }
    }

    /// <summary>Appends what a bundle's journals hold to the journals of this machine, beside what these hold themselves.</summary>
    public static async Task<int> ReturnAsync(string bundled, string journals, CancellationToken stop)
    {
        var returned = 0;
        foreach (var role in Directory.Exists(bundled) ? Directory.GetDirectories(bundled) : [])
        {
            try
            {
                using var from = Journal.Open(role);
                using var to = Journal.Open(Path.Combine(journals, Path.GetFileName(role)));
                while (from.Read(Batch) is { } batch)
                {
                    stop.ThrowIfCancellationRequested();
                    foreach (var record in batch.Records) await to.AppendAsync(record);
                    returned += batch.Records.Count;
                }

                await to.SyncAsync();
            }
            catch (JournalUnavailableException fault)
            {
                throw new StoreBackupException($"the journals cannot be taken up ({fault.Message}); is a stack running?");
            }
        }

        return returned;
    }

    /// <summary>Refuses while a process of this machine records into them.</summary>
    public static void RequireIdle(string journals)
    {
        foreach (var role in Directory.Exists(journals) ? Directory.GetDirectories(journals) : [])
        {
            try
            {
                Journal.Open(role).Dispose();
            }
            catch (JournalUnavailableException)
            {
                throw new CommandFailure("a stack runs on this folder; stop it first with caracal down");
            }
        }
    }
}
