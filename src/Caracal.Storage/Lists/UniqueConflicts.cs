using Microsoft.Data.Sqlite;
using Npgsql;

namespace Caracal.Storage.Lists;

/// <summary>Recognises the fault of an insert or update that met a unique index; the edge answers 409.</summary>
public static class UniqueConflicts
{
    private const int SqliteConstraintUnique = 2067;

    public static bool IsUniqueConflict(Exception fault) => fault switch
    {
        SqliteException sqlite => sqlite.SqliteExtendedErrorCode == SqliteConstraintUnique,
        PostgresException postgres => postgres.SqlState == PostgresErrorCodes.UniqueViolation,
        _ => false,
    };
}
