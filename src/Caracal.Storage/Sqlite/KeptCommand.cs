using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// A command whose statement goes back to its connection, prepared, when its user is done with it. What is unusual, several
/// statements in one text, a provider's transaction, a store that is busy, goes to the provider's own command.
/// </summary>
internal sealed class KeptCommand(KeepingConnection connection) : DbCommand
{
    // The parameters have a home of their own: Dapper holds on to the collection while it still changes the text.
    private readonly SqliteCommand _given = new();
    private KeptStatement? _statement;
    private KeptReader? _reader;
    private SqliteCommand? _provider;
    private string _text = "";

    [AllowNull]
    public override string CommandText
    {
        get => _text;
        set => _text = value ?? "";
    }

    public override int CommandTimeout
    {
        get => _given.CommandTimeout;
        set => _given.CommandTimeout = value;
    }

    public override CommandType CommandType
    {
        get => CommandType.Text;
        set => _given.CommandType = value;
    }

    public override UpdateRowSource UpdatedRowSource { get; set; }

    public override bool DesignTimeVisible { get; set; }

    protected override DbConnection? DbConnection
    {
        get => connection;
        set
        {
            if (value is not null && !ReferenceEquals(value, connection))
            {
                throw new InvalidOperationException("a command stays with its connection");
            }
        }
    }

    protected override DbParameterCollection DbParameterCollection => _given.Parameters;

    protected override DbTransaction? DbTransaction { get; set; }

    public override void Cancel()
    {
        // As the provider's: a statement of SQLite runs to its end.
    }

    public override int ExecuteNonQuery()
    {
        if (!TryStart(out var statement, out var row))
        {
            return Provider().ExecuteNonQuery();
        }

        while (row)
        {
            row = statement.Step();
        }

        statement.Reset();
        return statement.IsReadOnly ? -1 : statement.Changes();
    }

    public override object? ExecuteScalar()
    {
        if (!TryStart(out var statement, out var row))
        {
            return Provider().ExecuteScalar();
        }

        using var reader = new KeptReader(statement, row);
        return row ? reader.GetValue(0) : null;
    }

    public override void Prepare()
    {
        if (!TryTake(out _))
        {
            Provider().Prepare();
        }
    }

    protected override DbParameter CreateDbParameter() => _given.CreateParameter();

    protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) =>
        !behavior.HasFlag(CommandBehavior.CloseConnection) && TryStart(out var statement, out var row)
            ? _reader = new KeptReader(statement, row)
            : Provider().ExecuteReader(behavior);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            GiveBack();
            _provider?.Dispose();
            _given.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool TryStart([NotNullWhen(true)] out KeptStatement? statement, out bool row)
    {
        row = false;
        if (!TryTake(out statement))
        {
            return false;
        }

        connection.Permit(statement);
        return statement.TryBind(_given.Parameters) && statement.TryStart(out row);
    }

    private bool TryTake([NotNullWhen(true)] out KeptStatement? statement)
    {
        if (_reader?.IsClosed == false)
        {
            throw new InvalidOperationException("the rows of this command are still being read");
        }

        if (_statement is not null && _statement.Text != _text)
        {
            GiveBack();
        }

        statement = DbTransaction is null ? _statement ??= connection.Take(_text) : null;
        return statement is not null;
    }

    private SqliteCommand Provider()
    {
        _provider ??= new SqliteCommand();
        _provider.Connection = connection;
        _provider.CommandText = _text;
        _provider.CommandTimeout = _given.CommandTimeout;
        _provider.Transaction = (SqliteTransaction?)DbTransaction;
        _provider.Parameters.Clear();
        foreach (SqliteParameter parameter in _given.Parameters)
        {
            _provider.Parameters.Add(parameter);
        }

        return _provider;
    }

    private void GiveBack()
    {
        if (_statement is { } statement)
        {
            _statement = null;
            _reader?.Close(); // Whoever still reads would read what somebody else asked for.
            connection.Keep(statement);
        }
    }
}
