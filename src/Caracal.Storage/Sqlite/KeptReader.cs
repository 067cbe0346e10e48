using System.Collections;
using System.Data.Common;
using System.Globalization;
using System.Text;
using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>The rows of a prepared statement, read as the provider's reader reads them. The statement is free again when it closes.</summary>
internal sealed class KeptReader : DbDataReader
{
    private readonly KeptStatement _statement;
    private readonly sqlite3_stmt _handle;
    private readonly KeptColumns _columns;
    private readonly bool _hasRows;
    private bool _first;
    private bool _row;
    private bool _closed;
    private int _affected = -1;

    /// <summary>After the statement's first step.</summary>
    public KeptReader(KeptStatement statement, bool row)
    {
        _statement = statement;
        _handle = statement.Handle;
        var count = raw.sqlite3_column_count(_handle);
        if (statement.Columns?.Count != count)
        {
            statement.Columns = new KeptColumns(_handle, count);
        }

        _columns = statement.Columns!;
        _hasRows = _first = _row = row;
        if (!row)
        {
            CountChanges();
        }
    }

    /// <summary>The statement itself, for whoever reads bytes where they lie.</summary>
    public sqlite3_stmt Handle => _handle;

    public override int FieldCount => _columns.Count;

    public override bool HasRows => _hasRows;

    public override bool IsClosed => _closed;

    public override int Depth => 0;

    public override int RecordsAffected => _affected;

    public override object this[int ordinal] => GetValue(ordinal);

    public override object this[string name] => GetValue(GetOrdinal(name));

    public override bool Read()
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (_first)
        {
            _first = false;
            return true;
        }

        if (_row)
        {
            _row = _statement.Step();
            if (!_row)
            {
                CountChanges();
            }
        }

        return _row;
    }

    public override bool NextResult() => false;

    public override string GetName(int ordinal) => _columns.Name(ordinal);

    public override int GetOrdinal(string name) =>
        _columns.Find(name) is >= 0 and var found ? found : throw new ArgumentOutOfRangeException(nameof(name), name, "no such column");

    public override string GetDataTypeName(int ordinal) => _columns.Declared(ordinal) is { Length: > 0 } declared ? declared
        : raw.sqlite3_column_type(_handle, ordinal) switch
        {
            raw.SQLITE_INTEGER => "INTEGER",
            raw.SQLITE_TEXT => "TEXT",
            raw.SQLITE_FLOAT => "REAL",
            _ => "BLOB",
        };

    public override Type GetFieldType(int ordinal) => raw.sqlite3_column_type(_handle, ordinal) switch
    {
        raw.SQLITE_INTEGER => typeof(long),
        raw.SQLITE_TEXT => typeof(string),
        raw.SQLITE_FLOAT => typeof(double),
        raw.SQLITE_BLOB => typeof(byte[]),
        _ => _columns.NullType(ordinal),
    };

    public override bool IsDBNull(int ordinal) => raw.sqlite3_column_type(_handle, ordinal) == raw.SQLITE_NULL;

    public override object GetValue(int ordinal) => raw.sqlite3_column_type(_handle, ordinal) switch
    {
        raw.SQLITE_INTEGER => raw.sqlite3_column_int64(_handle, ordinal),
        raw.SQLITE_TEXT => Text(ordinal),
        raw.SQLITE_FLOAT => raw.sqlite3_column_double(_handle, ordinal),
        raw.SQLITE_BLOB => raw.sqlite3_column_blob(_handle, ordinal).ToArray(),
        _ => DBNull.Value,
    };

    public override int GetValues(object[] values)
    {
        var count = Math.Min(values.Length, FieldCount);
        for (var i = 0; i < count; i++)
        {
            values[i] = GetValue(i);
        }

        return count;
    }

    public override string GetString(int ordinal)
    {
        Demand(ordinal);
        return Text(ordinal);
    }

    public override long GetInt64(int ordinal)
    {
        Demand(ordinal);
        return raw.sqlite3_column_int64(_handle, ordinal);
    }

    public override int GetInt32(int ordinal) => checked((int)GetInt64(ordinal));

    public override short GetInt16(int ordinal) => checked((short)GetInt64(ordinal));

    public override byte GetByte(int ordinal) => checked((byte)GetInt64(ordinal));

    public override bool GetBoolean(int ordinal) => GetInt64(ordinal) != 0;

    public override double GetDouble(int ordinal)
    {
        Demand(ordinal);
        return raw.sqlite3_column_double(_handle, ordinal);
    }

    public override float GetFloat(int ordinal) => (float)GetDouble(ordinal);

    public override decimal GetDecimal(int ordinal) => decimal.Parse(GetString(ordinal), CultureInfo.InvariantCulture);

    public override Guid GetGuid(int ordinal) => Guid.Parse(GetString(ordinal));

    public override DateTime GetDateTime(int ordinal) => DateTime.Parse(GetString(ordinal), CultureInfo.InvariantCulture);

    public override char GetChar(int ordinal) => GetString(ordinal) is [var only] ? only : throw new InvalidCastException("not one character");

    public override T GetFieldValue<T>(int ordinal) => typeof(T) == typeof(int) ? (T)(object)GetInt32(ordinal)
        : typeof(T) == typeof(bool) ? (T)(object)GetBoolean(ordinal)
        : (T)GetValue(ordinal);

    public override long GetBytes(int ordinal, long dataOffset, byte[]? buffer, int bufferOffset, int length)
    {
        var bytes = raw.sqlite3_column_blob(_handle, ordinal);
        if (buffer is null)
        {
            return bytes.Length;
        }

        var piece = bytes[(int)Math.Min(dataOffset, bytes.Length)..];
        piece = piece[..Math.Min(length, piece.Length)];
        piece.CopyTo(buffer.AsSpan(bufferOffset));
        return piece.Length;
    }

    public override long GetChars(int ordinal, long dataOffset, char[]? buffer, int bufferOffset, int length)
    {
        var text = GetString(ordinal);
        if (buffer is null)
        {
            return text.Length;
        }

        var piece = text.AsSpan((int)Math.Min(dataOffset, text.Length));
        piece = piece[..Math.Min(length, piece.Length)];
        piece.CopyTo(buffer.AsSpan(bufferOffset));
        return piece.Length;
    }

    public override IEnumerator GetEnumerator() => new DbEnumerator(this, closeReader: false);

    public override void Close()
    {
        if (!_closed)
        {
            _closed = true;
            if (!_handle.IsClosed)
            {
                _statement.Reset();
            }
        }
    }

    // Of a text this is its UTF-8, without a search for its end.
    private string Text(int ordinal) => Encoding.UTF8.GetString(raw.sqlite3_column_blob(_handle, ordinal));

    private void Demand(int ordinal)
    {
        if (IsDBNull(ordinal))
        {
            throw new InvalidCastException($"the column '{GetName(ordinal)}' is null");
        }
    }

    private void CountChanges()
    {
        if (!_statement.IsReadOnly)
        {
            _affected = _statement.Changes();
        }
    }
}
