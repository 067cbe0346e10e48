using Caracal.Storage.Moving;
using Caracal.Storage.Sqlite;
using Caracal.TestKit;
using Dapper;

namespace Caracal.Storage.Tests.Moving;

public sealed class MovePlaceTests
{
    [Theory]
    [InlineData("")]
    [InlineData("WITHOUT ROWID")]
    public async Task Finds_every_row_once_piece_by_piece(string kind)
    {
        await using var store = await TestStore.CreateAsync(Engine.Sqlite);
        await store.Database.WriteAsync(async work =>
        {
            await work.Connection.ExecuteAsync($"CREATE TABLE odd (a INTEGER NOT NULL, b text NOT NULL, PRIMARY KEY (a, b)) {kind}");
            for (var i = 0; i < 25; i++)
            {
                await work.Connection.ExecuteAsync("INSERT INTO odd (a, b) VALUES (@a, @b)", new { a = 25 - (i / 5), b = $"'{i % 5}\"" });
            }
        });
        var source = (SqliteDatabase)store.Database;
        var place = await MovePlace.OfAsync(source, "odd");
        var table = new MovedTable("odd", [new("a", "bigint"), new("b", "text")]);
        var found = new List<string>();
        string? last = null;
        while (await place.ReadAsync(source, table, last, 4) is { Count: > 0 } rows)
        {
            found.AddRange(rows.Select(row => $"{row[0]} {row[1]}"));
            last = place.Of(rows[^1]);
        }

        Assert.Equal(25, found.Count);
        Assert.Equal(25, found.Distinct().Count());
    }
}
