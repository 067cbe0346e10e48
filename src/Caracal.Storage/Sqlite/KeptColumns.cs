using SQLitePCL;

namespace Caracal.Storage.Sqlite;

/// <summary>The columns of a prepared statement's rows.</summary>
internal sealed class KeptColumns
{
    private readonly string[] _names;
    private readonly string[] _declared;
    private readonly Type[] _typesOfNull;

    public KeptColumns(sqlite3_stmt statement, int count)
    {
        _names = new string[count];
        _declared = new string[count];
        _typesOfNull = new Type[count];
        for (var i = 0; i < count; i++)
        {
            _names[i] = raw.sqlite3_column_name(statement, i).utf8_to_string();
            _declared[i] = raw.sqlite3_column_decltype(statement, i).utf8_to_string() is { } type ? type.Split('(')[0] : "";
            _typesOfNull[i] = TypeOfNull(_declared[i]);
        }
    }

    public int Count => _names.Length;

    public string Name(int column) => _names[column];

    public string Declared(int column) => _declared[column];

    /// <summary>As what a NULL of the column is read: the kind of value its declaration prefers.</summary>
    public Type NullType(int column) => _typesOfNull[column];

    public int Find(string name)
    {
        var exact = Array.IndexOf(_names, name);
        return exact >= 0 ? exact : Array.FindIndex(_names, known => string.Equals(known, name, StringComparison.OrdinalIgnoreCase));
    }

    // SQLite's rules of affinity, of which a column without a declaration has none.
    private static Type TypeOfNull(string declared)
    {
        return declared switch
        {
            "" => typeof(byte[]),
            _ when Says("INT") => typeof(long),
            _ when Says("CHAR") || Says("CLOB") || Says("TEXT") => typeof(string),
            _ when Says("BLOB") => typeof(byte[]),
            _ when Says("REAL") || Says("FLOA") || Says("DOUB") => typeof(double),
            _ => typeof(string),
        };

        bool Says(string word) => declared.Contains(word, StringComparison.OrdinalIgnoreCase);
    }
}
