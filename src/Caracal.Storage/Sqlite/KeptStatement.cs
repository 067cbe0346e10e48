using System.Buffers;
using System.Data;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>
/// A prepared statement that knows the places of its parameters and the names of its columns. The provider's own command
/// asks SQLite for each of them at every execution, which costs more than most of our statements themselves.
/// </summary>
internal sealed class KeptStatement : IDisposable
{
    private const int StackLimit = 512;

    private readonly sqlite3 _database;
    private readonly int _places;
    private readonly Dictionary<string, int> _placeOf = new(StringComparer.Ordinal);
    private (string Name, int Place)[] _given = [];
    private (string[] Names, int[] Places) _listed = ([], []);

    private KeptStatement(sqlite3 database, sqlite3_stmt handle, string text)
    {
        _database = database;
        Handle = handle;
        Text = text;
        IsReadOnly = raw.sqlite3_stmt_readonly(handle) != 0;
        _places = raw.sqlite3_bind_parameter_count(handle);
        for (var place = 1; place <= _places; place++)
        {
            if (raw.sqlite3_bind_parameter_name(handle, place).utf8_to_string() is { Length: > 1 } name)
            {
                _placeOf[name] = place;
                _placeOf[name[1..]] = place; // Dapper names a parameter without its sign.
            }
        }
    }

    public string Text { get; }

    public sqlite3_stmt Handle { get; }

    public bool IsReadOnly { get; }

    /// <summary>What it changes of what an exchange is decided on, by itself or by a trigger.</summary>
    public FactChange FactChange { get; set; }

    /// <summary>What its columns are called and declared as; made by the first reader.</summary>
    public KeptColumns? Columns { get; set; }

    /// <summary>The statement, or null when the text is not exactly one, which is the provider's to run.</summary>
    public static KeptStatement? TryPrepare(SqliteConnection connection, string text)
    {
        if (connection.Handle is not { } database
            || raw.sqlite3_prepare_v2(database, text, out sqlite3_stmt handle, out var rest) != raw.SQLITE_OK)
        {
            return null; // The provider says what is wrong with it.
        }

        if (handle.IsInvalid || !string.IsNullOrWhiteSpace(rest))
        {
            handle.Dispose();
            return null;
        }

        return new KeptStatement(database, handle, text);
    }

    /// <summary>Gives every parameter its value; false when the provider has to, for a kind of value that our stores do not use or to complain.</summary>
    public bool TryBind(SqliteParameterCollection parameters)
    {
        if (_given.Length != parameters.Count)
        {
            _given = new (string, int)[parameters.Count];
        }

        var bound = 0;
        for (var i = 0; i < _given.Length; i++)
        {
            var parameter = parameters[i];
            var name = parameter.ParameterName;
            if (!string.Equals(_given[i].Name, name, StringComparison.Ordinal))
            {
                _given[i] = (name, _placeOf.GetValueOrDefault(name));
            }

            if (_given[i].Place is not (> 0 and var place))
            {
                continue; // The text does not name it.
            }

            if (parameter.Direction != ParameterDirection.Input || !TryBind(place, parameter))
            {
                return false;
            }

            bound++;
        }

        return bound == _places;
    }

    /// <summary>The same for values in the order of their names, which are a constant of the store; texts may be UTF-8 already.</summary>
    public bool TryBind(string[] names, object?[] values)
    {
        if (!ReferenceEquals(_listed.Names, names))
        {
            _listed = (names, [.. names.Select(name => _placeOf.GetValueOrDefault(name))]);
        }

        if (values.Length != _places)
        {
            return false;
        }

        for (var i = 0; i < values.Length; i++)
        {
            if (_listed.Places[i] is not (> 0 and var place) || !TryBindPlain(place, values[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>One step: true for a row, false at the end. A fault leaves the statement ready to be used again.</summary>
    public bool Step()
    {
        var result = raw.sqlite3_step(Handle);
        if (result is raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            return result == raw.SQLITE_ROW;
        }

        try
        {
            SqliteException.ThrowExceptionForRC(result, _database);
        }
        finally
        {
            Reset();
        }

        return false;
    }

    /// <summary>The first step; false when another connection is in the way, which the provider waits for.</summary>
    public bool TryStart(out bool row)
    {
        var result = raw.sqlite3_step(Handle);
        row = result == raw.SQLITE_ROW;
        if (result is raw.SQLITE_ROW or raw.SQLITE_DONE)
        {
            return true;
        }

        try
        {
            if ((result & 0xFF) is not (raw.SQLITE_BUSY or raw.SQLITE_LOCKED))
            {
                SqliteException.ThrowExceptionForRC(result, _database);
            }
        }
        finally
        {
            Reset();
        }

        return false;
    }

    public void Reset() => raw.sqlite3_reset(Handle);

    /// <summary>The rows that the statement that ended last has changed.</summary>
    public int Changes() => raw.sqlite3_changes(_database);

    public void Dispose() => Handle.Dispose();

    private bool TryBind(int place, SqliteParameter parameter) => parameter.Value switch
    {
        string text => (parameter.Size <= 0 || text.Length <= parameter.Size) && BindText(place, text),
        byte[] bytes => (parameter.Size <= 0 || bytes.Length <= parameter.Size) && BindBytes(place, bytes),
        var value => TryBind(place, value),
    };

    private bool TryBindPlain(int place, object? value) => value switch
    {
        string text => BindText(place, text),
        DateTimeOffset time => raw.sqlite3_bind_int64(Handle, place, Instants.ToMicroseconds(time)) == raw.SQLITE_OK,
        ReadOnlyMemory<byte> text => BindText(place, text.Span),
        byte[] bytes => BindBytes(place, bytes),
        null => raw.sqlite3_bind_null(Handle, place) == raw.SQLITE_OK,
        _ => TryBind(place, value),
    };

    private bool TryBind(int place, object? value) => value switch
    {
        long number => raw.sqlite3_bind_int64(Handle, place, number) == raw.SQLITE_OK,
        int number => raw.sqlite3_bind_int64(Handle, place, number) == raw.SQLITE_OK,
        bool flag => raw.sqlite3_bind_int64(Handle, place, flag ? 1 : 0) == raw.SQLITE_OK,
        DBNull => raw.sqlite3_bind_null(Handle, place) == raw.SQLITE_OK,
        _ => false,
    };

    private bool BindBytes(int place, byte[] bytes) => (bytes.Length == 0
        ? raw.sqlite3_bind_zeroblob(Handle, place, 0)
        : raw.sqlite3_bind_blob(Handle, place, bytes)) == raw.SQLITE_OK;

    // SQLite copies what it is given, so the bytes need no home beyond the call.
    private bool BindText(int place, string text)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        if (most <= StackLimit)
        {
            Span<byte> bytes = stackalloc byte[StackLimit];
            return BindText(place, bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
        }

        var rented = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            return BindText(place, rented.AsSpan(0, Encoding.UTF8.GetBytes(text, rented)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // Nothing at all would be NULL.
    private bool BindText(int place, ReadOnlySpan<byte> text) => (text.IsEmpty
        ? raw.sqlite3_bind_text(Handle, place, "")
        : raw.sqlite3_bind_text(Handle, place, text)) == raw.SQLITE_OK;
}
