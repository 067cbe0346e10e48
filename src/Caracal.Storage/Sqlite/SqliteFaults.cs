using Microsoft.Data.Sqlite;

namespace Caracal.Storage.Sqlite;

/// <summary>Which SQLite faults mean "not now" rather than "wrong statement".</summary>
internal static class SqliteFaults
{
    // Primary result codes: BUSY, LOCKED, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB, READONLY, NOMEM, INTERRUPT, PROTOCOL.
    public static bool IsUnavailable(SqliteException fault) =>
        fault.SqliteErrorCode is 5 or 6 or 10 or 11 or 13 or 14 or 26 or 8 or 7 or 9 or 15;
}
