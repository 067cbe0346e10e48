using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Sqlite;

/// <summary>A command that goes back to its connection, prepared, when its user is done with it.</summary>
internal sealed class KeptCommand(KeepingConnection connection) : DbCommand
{
    // The parameters have a home of their own: Dapper holds on to the collection while it still changes the text.
    private readonly SqliteCommand _given = new();
    private SqliteCommand? _prepared;
    private SqliteDataReader? _reader;
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

    public override void Cancel() => _prepared?.Cancel();

    public override int ExecuteNonQuery() => Ready().ExecuteNonQuery();

    public override object? ExecuteScalar() => Ready().ExecuteScalar();

    public override void Prepare() => Ready().Prepare();

    protected override DbParameter CreateDbParameter() => _given.CreateParameter();

    protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => _reader = Ready().ExecuteReader(behavior);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            GiveBack();
            _given.Dispose();
        }

        base.Dispose(disposing);
    }

    private SqliteCommand Ready()
    {
        if (_prepared is not null && _prepared.CommandText != _text)
        {
            GiveBack();
        }

        _prepared ??= connection.Take(_text);
        _prepared.CommandTimeout = _given.CommandTimeout;
        _prepared.Transaction = (SqliteTransaction?)DbTransaction;
        if (!HasGiven(_prepared.Parameters))
        {
            _prepared.Parameters.Clear();
            foreach (SqliteParameter parameter in _given.Parameters)
            {
                _prepared.Parameters.Add(parameter);
            }
        }

        return _prepared;
    }

    private bool HasGiven(SqliteParameterCollection parameters)
    {
        if (parameters.Count != _given.Parameters.Count)
        {
            return false;
        }

        for (var i = 0; i < parameters.Count; i++)
        {
            if (!ReferenceEquals(parameters[i], _given.Parameters[i]))
            {
                return false;
            }
        }

        return true;
    }

    // One that is still being read from is nobody else's to use.
    private void GiveBack()
    {
        if (_prepared is { } prepared)
        {
            _prepared = null;
            if (_reader?.IsClosed != false)
            {
                connection.Keep(prepared);
            }
            else
            {
                prepared.Dispose();
            }
        }
    }
}
