using System.Data.Common;
using Caracal.Storage.Sqlite;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Tests.Sqlite;

/// <summary>Commands of the embedded store: what goes in comes out, and a statement that is kept is as good as a new one.</summary>
public sealed class KeptCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-test-");
    private readonly KeepingConnection _connection;

    public KeptCommandTests()
    {
        SqliteLibrary.EnsureLoaded();
        _connection = Open();
        _connection.Execute("CREATE TABLE things (id text PRIMARY KEY, n bigint, amount double, body blob, note text) WITHOUT ROWID; CREATE TABLE log (id text)");
    }

    [Fact]
    public void Values_come_out_as_they_went_in()
    {
        object?[] values =
        [
            "", "plain", "it's \"quoted\" – ünïcödé 𝔘", "with\0nothing in it", new string('x', 5_000), new string('é', 200), 0L, long.MaxValue, long.MinValue,
            3.5, Array.Empty<byte>(), new byte[] { 0, 1, 255 }, null,
        ];
        foreach (var value in values)
        {
            var command = PreparedStatements.Get(_connection, "SELECT @value", "@value");
            command.Set(0, value);
            Assert.Equal(value ?? DBNull.Value, command.ExecuteScalar());
            using var reader = command.ExecuteReader();
            Assert.True(reader.Read());
            Assert.Equal(value ?? DBNull.Value, reader.GetValue(0));
            Assert.Equal(value is null, reader.IsDBNull(0));
            Assert.False(reader.Read());
        }
    }

    [Fact]
    public void A_reader_tells_what_the_provider_tells()
    {
        _connection.Execute("INSERT INTO things VALUES ('a', 1, 1.5, x'01', 'n'), ('b', NULL, NULL, NULL, NULL)");
        using var plain = new SqliteConnection(_connection.ConnectionString);
        plain.Open();
        foreach (var text in (string[])["SELECT *, n + 1 AS more FROM things ORDER BY id", "SELECT * FROM things WHERE id = 'none'", "SELECT count(*), max(note) FROM things WHERE id = 'none'"])
        {
            Assert.Equal(Described(plain, text), Described(_connection, text));
        }
    }

    [Fact]
    public void Two_readers_of_one_text_read_their_own_rows()
    {
        _connection.Execute("INSERT INTO things (id) VALUES ('a'), ('b'), ('c')");
        using var first = _connection.ExecuteReader("SELECT id FROM things WHERE id >= @from ORDER BY id", new { from = "a" });
        Assert.True(first.Read());
        using var second = _connection.ExecuteReader("SELECT id FROM things WHERE id >= @from ORDER BY id", new { from = "c" });
        Assert.True(second.Read());
        Assert.True(first.Read());
        Assert.Equal(("b", "c"), (first.GetString(0), second.GetString(0)));
    }

    [Fact]
    public void A_command_whose_rows_are_still_read_is_not_run_again()
    {
        var command = PreparedStatements.Get(_connection, "SELECT 1 UNION SELECT 2");
        using (command.ExecuteReader())
        {
            Assert.Throws<InvalidOperationException>(() => command.ExecuteScalar());
        }

        Assert.Equal(1L, command.ExecuteScalar());
    }

    [Fact]
    public void A_statement_that_failed_works_again_and_holds_nothing()
    {
        const string Insert = "INSERT INTO things (id, n) VALUES (@id, @n)";
        Assert.Equal(1, _connection.Execute(Insert, new { id = "a", n = 1 }));
        Assert.Equal(19, Assert.Throws<SqliteException>(() => _connection.Execute(Insert, new { id = "a", n = 2 })).SqliteErrorCode);
        Assert.Equal(1, _connection.Execute(Insert, new { id = "b", n = 2 }));
        Assert.ThrowsAny<Exception>(() => _connection.Execute(Insert, new { id = "c" })); // Without all it names it runs not.
        Assert.ThrowsAny<SqliteException>(() => _connection.Execute("INSERT INTO nowhere VALUES (1)"));
        Assert.Equal(2, _connection.ExecuteScalar<long>("SELECT count(*) FROM things"));
    }

    [Fact]
    public void Rows_without_a_command_are_stored_as_with_one()
    {
        var when = new DateTimeOffset(2026, 7, 12, 12, 0, 0, TimeSpan.FromHours(2)).AddTicks(17);
        const string Insert = "INSERT INTO things (id, n, body, note) VALUES (@id, @n, @body, @note)";
        string[] names = ["@id", "@n", "@body", "@note"];
        object?[][] rows =
        [
            ["a", 7L, new byte[] { 0, 1 }, new ReadOnlyMemory<byte>("ünïcödé"u8.ToArray())],
            ["b", when, null, new ReadOnlyMemory<byte>()],
            ["c", true, Array.Empty<byte>(), ""],
            ["d", null, null, DBNull.Value],
        ];
        Assert.Equal(4, _connection.Run(Insert, names, rows));
        Assert.Equal(
            ["a 7 X'0001' 'ünïcödé'", $"b {Instants.ToMicroseconds(when)} NULL ''", "c 1 X'' ''", "d  NULL NULL"],
            _connection.Query<string>("SELECT id || ' ' || coalesce(n, '') || ' ' || quote(body) || ' ' || quote(note) FROM things ORDER BY id"));
    }

    [Fact]
    public void Rows_that_fail_leave_the_statement_as_good_as_new()
    {
        const string Insert = "INSERT INTO things (id, n) VALUES (@id, @n)";
        string[] names = ["@id", "@n"];
        Assert.Equal(19, Assert.Throws<SqliteException>(() => _connection.Run(Insert, names, [["a", 1L], ["a", 2L], ["b", 3L]])).SqliteErrorCode);
        Assert.Equal(2, _connection.Run(Insert, names, [["b", 3L], ["c", 4L]]));
        Assert.Equal(["a 1", "b 3", "c 4"], _connection.Query<string>("SELECT id || ' ' || n FROM things ORDER BY id"));
    }

    [Fact]
    public void Rows_that_only_the_provider_can_write_are_left_to_it()
    {
        const string Insert = "INSERT INTO things (id, amount) VALUES (@id, @amount)";
        string[] names = ["@id", "@amount"];
        Assert.Equal(1, _connection.Run(Insert, names, [["a", 1L], ["b", 2.5], ["c", 3L]]));
        Assert.Equal(0, _connection.Run(Insert, ["@id", "@other"], [["d", 1L]]));
        Assert.Equal(0, _connection.Run(Insert, ["@id"], [["d"]]));
        Assert.Equal(0, _connection.Run("INSERT INTO nowhere VALUES (@id)", ["@id"], [["d"]]));
        using (var other = Open())
        {
            other.Execute("BEGIN IMMEDIATE; INSERT INTO log VALUES ('other')");
            Assert.Equal(0, _connection.Run(Insert, names, [["d", 1L]]));
            other.Execute("COMMIT");
        }

        Assert.Equal(1, _connection.Run(Insert, names, [["d", 1L]]));
        Assert.Equal(["a", "d"], _connection.Query<string>("SELECT id FROM things ORDER BY id"));
    }

    [Fact]
    public async Task Of_many_rows_those_the_provider_writes_are_the_same()
    {
        var when = new DateTimeOffset(2026, 7, 12, 12, 0, 0, TimeSpan.Zero);
        var text = new ReadOnlyMemory<byte>("ünïcödé"u8.ToArray());
        await new SqliteDialect().InsertManyAsync(_connection, new BulkInsert(
            "INSERT INTO things",
            [new("id", BulkType.Text), new("n", BulkType.Time), new("amount", BulkType.Number), new("note", BulkType.Text)],
            [["a", when, 1L, text], ["b", when, 2.5, text], ["c", null, null, text]]));
        var at = Instants.ToMicroseconds(when);
        Assert.Equal(
            [$"a {at} 1.0 'ünïcödé'", $"b {at} 2.5 'ünïcödé'", "c  NULL 'ünïcödé'"],
            _connection.Query<string>("SELECT id || ' ' || coalesce(n, '') || ' ' || quote(amount) || ' ' || quote(note) FROM things ORDER BY id"));
    }

    [Fact]
    public void Changed_rows_are_counted_without_those_of_triggers()
    {
        _connection.Execute("CREATE TRIGGER logged AFTER UPDATE ON things BEGIN INSERT INTO log VALUES (NEW.id), (NEW.id); END");
        _connection.Execute("INSERT INTO things (id) VALUES ('a'), ('b'), ('c')");
        Assert.Equal(2, _connection.Execute("UPDATE things SET n = 1 WHERE id < 'c'"));
        Assert.Equal(0, _connection.Execute("UPDATE things SET n = 1 WHERE id = 'none'"));
        Assert.Equal(["a", "b", "c"], _connection.Query<string>("UPDATE things SET n = 2 RETURNING id").Order());
        Assert.Equal(2, _connection.QueryFirst<long>("UPDATE things SET n = n WHERE id > 'a' RETURNING n"));
        Assert.Equal(3, _connection.ExecuteScalar<long>("SELECT count(*) FROM things WHERE n = 2"));
    }

    [Fact]
    public void A_kept_statement_sees_a_new_column()
    {
        _connection.Execute("INSERT INTO log VALUES ('a')");
        Assert.Single((IDictionary<string, object>)_connection.QuerySingle("SELECT * FROM log"));
        using (var other = Open())
        {
            other.Execute("ALTER TABLE log ADD COLUMN more text DEFAULT 'm'");
        }

        var row = (IDictionary<string, object>)_connection.QuerySingle("SELECT * FROM log");
        Assert.Equal("m", row["more"]);
    }

    [Fact]
    public async Task A_store_that_another_connection_writes_is_waited_for()
    {
        using var other = Open();
        other.Execute("BEGIN IMMEDIATE; INSERT INTO log VALUES ('other')");
        var waiting = Task.Run(() => _connection.Execute("INSERT INTO log VALUES ('mine')"));
        Assert.False(waiting.IsCompleted);
        other.Execute("COMMIT");
        Assert.Equal(1, await waiting);
        Assert.Equal(2, _connection.ExecuteScalar<long>("SELECT count(*) FROM log"));
    }

    public void Dispose()
    {
        _connection.Dispose();
        _folder.Delete(recursive: true);
    }

    private static List<string> Described(DbConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        using var reader = command.ExecuteReader();
        List<string> told = [$"{reader.FieldCount} {reader.HasRows} {reader.RecordsAffected}"];
        for (var i = 0; i < reader.FieldCount; i++)
        {
            told.Add($"{reader.GetName(i)} {reader.GetFieldType(i)} {reader.GetDataTypeName(i)} {reader.GetOrdinal(reader.GetName(i))}");
        }

        while (reader.Read())
        {
            var values = new object[reader.FieldCount];
            reader.GetValues(values);
            told.AddRange(values.Select((value, i) => $"{value.GetType()} {value} {reader.IsDBNull(i)}"));
        }

        return told;
    }

    private KeepingConnection Open()
    {
        var connection = new KeepingConnection($"Data Source={Path.Combine(_folder.FullName, "things.db")};Pooling=False");
        connection.Open();
        connection.Execute("PRAGMA journal_mode=WAL; PRAGMA busy_timeout=100");
        return connection;
    }
}
