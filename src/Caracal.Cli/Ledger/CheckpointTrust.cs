using Caracal.Cli.CommandLine;
using Caracal.Evidence.Checkpoints;

namespace Caracal.Cli.Ledger;

/// <summary>What a verification trusts beside the ledger: the checkpoint key, and checkpoints that were kept elsewhere.</summary>
/// <param name="Key">Null compares with no checkpoint.</param>
/// <param name="Kept">Checkpoints the key signed.</param>
internal sealed record CheckpointTrust(NoteKey? Key, IReadOnlyList<Checkpoint> Kept)
{
    /// <summary>Reads <c>--checkpoint-key</c> and every <c>--checkpoint</c>.</summary>
    public static CheckpointTrust Read(Arguments arguments)
    {
        var files = arguments.Values("checkpoint");
        if (arguments.Value("checkpoint-key") is not { } text)
        {
            return files.Count == 0 ? new(null, []) : throw new CommandFailure("--checkpoint needs --checkpoint-key");
        }

        var key = NoteKey.Parse(text) ?? throw new CommandFailure("--checkpoint-key must be a key like name+id+base64");
        return new(key, [.. files.Select(file => Open(file, key))]);
    }

    private static Checkpoint Open(string file, NoteKey key)
    {
        if (!File.Exists(file)) throw new CommandFailure($"there is no checkpoint at {file}", exitCode: 2);
        return SignedNote.Parse(File.ReadAllText(file)) is { } note && note.IsSignedBy(key) && Checkpoint.Parse(note.Text) is { } checkpoint
            ? checkpoint
            : throw new CommandFailure($"{file} is not a checkpoint that this key signed", exitCode: 2);
    }
}
