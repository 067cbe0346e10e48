using System.Net.Sockets;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>What a PostgreSQL fault means for the caller.</summary>
internal static class PostgresFaults
{
    /// <summary>Serialisation failure or deadlock: the same body may succeed when run again.</summary>
    public static bool IsWorthAnotherTry(PostgresException fault) =>
        fault.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    /// <summary>The connection ended under us, as all of them do when the server restarts.</summary>
    public static bool IsBroken(Exception fault) =>
        fault is NpgsqlException { InnerException: IOException or SocketException } or PostgresException { SqlState: PostgresErrorCodes.AdminShutdown };

    /// <summary>
    /// Whether the same on another connection may succeed. Who finds a pool being cleared by somebody else goes on at once
    /// and may be given another connection from before the restart, so ended ones are worth a few tries; a server that does
    /// not let us connect is worth one.
    /// </summary>
    public static bool IsWorthAnotherConnection(Exception fault, int attempt) =>
        IsBroken(fault) && attempt < (fault.InnerException is SocketException ? 2 : 6);

    /// <summary>
    /// Somebody holds a lock, or changes the same role or right at this moment, as the job of another database of the
    /// server may: release everything and try again.
    /// </summary>
    public static bool IsWorthWaiting(PostgresException fault) =>
        IsWorthAnotherTry(fault) || fault.SqlState == PostgresErrorCodes.LockNotAvailable
        || (fault.SqlState == PostgresErrorCodes.InternalError && fault.MessageText.StartsWith("tuple concurrently", StringComparison.Ordinal));

    /// <summary>A server that is starting, or not there yet; a wrong password or database is neither.</summary>
    public static bool MayComeUp(NpgsqlException fault) =>
        fault is not PostgresException { SqlState: var state } || state == PostgresErrorCodes.CannotConnectNow || state.StartsWith("53", StringComparison.Ordinal);

    /// <summary>The server answers and changes things; it did not take this one. No other unavailability may count against a single event (audit.md 3).</summary>
    public static bool RefusesOnlyThis(Exception fault) =>
        fault is PostgresException refused
        && (IsWorthAnotherTry(refused) || refused.SqlState is PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable);

    /// <summary>
    /// The server cannot be used now: unreachable, starting, stopping, letting nobody in, out of connections, out of disk, too slow,
    /// or in conflict with others after every try.
    /// </summary>
    public static bool IsUnavailable(Exception fault) => fault switch
    {
        PostgresException { SqlState: var state } refused =>
            RefusesOnlyThis(refused) || state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("53", StringComparison.Ordinal)
            || state.StartsWith("57P", StringComparison.Ordinal) || state.StartsWith("58", StringComparison.Ordinal)
            || state is PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification
                or PostgresErrorCodes.ReadOnlySqlTransaction,
        NpgsqlException or SocketException or TimeoutException or IOException => true,
        _ => false,
    };
}
