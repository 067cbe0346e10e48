using System.Globalization;
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
        return File.Exists(path)
            ? File.ReadLines(path).Reverse().Where(line => line.Length > 0).Select(line => JsonNode.Parse(line) as JsonObject).FirstOrDefault(line => (string?)line?["drill"] == name)
            : null;
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

    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);

    private static void Write(CaracalPaths paths, JsonObject line)
    {
        SecretFolder.Prepare(paths.Home);
        var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(Path.Combine(paths.Home, Lines), options);
        writer.Write(line.ToJsonString() + "\n");
    }
}
