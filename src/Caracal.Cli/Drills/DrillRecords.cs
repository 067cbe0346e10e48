using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Cli.KeyRotation;
using Caracal.Keys.Secrets;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Storage.Drills;

namespace Caracal.Cli.Drills;

/// <summary>
/// Where drills are remembered: a line of <c>CARACAL_HOME/drills.jsonl</c>, and a row of <c>ops_drills</c> in the store that
/// this operator's variables name, where there is one.
/// </summary>
internal static class DrillRecords
{
    private const string Lines = "drills.jsonl";

    /// <summary>The last line of one drill; null when it was not run from here.</summary>
    public static JsonObject? Last(CaracalPaths paths, string name)
    {
        var path = Path.Combine(paths.Home, Lines);
        return File.Exists(path) ? File.ReadLines(path).Reverse().Select(Read).FirstOrDefault(line => line?["drill"]?.ToString() == name) : null;
    }

    // A line that a full disk or a kill has cut short is none.
    private static JsonObject? Read(string line)
    {
        try
        {
            return line.Length == 0 ? null : JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes the line, and the row. A store that cannot be written does not undo the drill; it is said.</summary>
    public static async Task AddAsync(CommandContext context, JsonObject line, DateTimeOffset startedAt, long? rpo, long? rto)
    {
        Write(context.Paths, line);
        var row = new DrillRow
        {
            Id = Ids.New(),
            Name = (string)line["drill"]!,
            StartedAt = startedAt,
            EndedAt = TimeProvider.System.GetUtcNow(),
            Passed = (bool)line["ok"]!,
            RpoSeconds = rpo,
            RtoSeconds = rto,
            Detail = new JsonText(line.ToJsonString()),
        };
        try
        {
            await using var store = ReencryptCommand.Open(context);
            await store.WriteAsync(work => DrillStore.AddAsync(work, row), context.Stop);
        }
        catch (CommandFailure)
        {
            // There is no store here: the line is all there is.
        }
        catch (Exception fault) when (fault is StorageUnavailableException or System.Data.Common.DbException)
        {
            context.Terminal.Warning($"the drill is in {Lines} and not in ops_drills: {fault.GetType().Name}");
        }
    }

    private static void Write(CaracalPaths paths, JsonObject line)
    {
        SecretFolder.Prepare(paths.Home);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(Path.Combine(paths.Home, Lines), options);
        var isWhole = file.Length == 0 || (file.Seek(-1, SeekOrigin.End) >= 0 && file.ReadByte() == '\n');
        file.Seek(0, SeekOrigin.End);
        file.Write(Encoding.UTF8.GetBytes($"{(isWhole ? "" : "\n")}{line.ToJsonString()}\n")); // not behind what was cut short
    }
}
