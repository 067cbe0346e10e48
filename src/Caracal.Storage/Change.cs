using System.Collections.Immutable;
using System.Data.Common;
using System.Runtime.InteropServices;
using Caracal.Storage.Sqlite;

namespace Caracal.Storage;

/// <summary>
/// A few statements that are one change and need no look in between: they commit together, and together with the changes
/// of other callers that arrive at the same time. Nothing of it remains when one of its statements fails.
/// </summary>
/// <param name="SharedLock">Held with the others of its kind, against whoever holds it alone (<see cref="Work.LockAsync(AdvisoryLock)"/>).</param>
/// <param name="Kind">What it means to those who decide.</param>
/// <param name="Statements">In order; each sees what the ones before it did.</param>
public sealed record Change(AdvisoryLock SharedLock, WriteKind Kind, ImmutableArray<ChangeStatement> Statements);

/// <summary>One statement of a <see cref="Change"/>.</summary>
/// <param name="Sql">Its text, a constant, for both engines.</param>
/// <param name="Parameters">The names in it, a constant too.</param>
/// <param name="Values">Their values, in the same order: texts, numbers, times; null is that of a text.</param>
public readonly record struct ChangeStatement(string Sql, ImmutableArray<string> Parameters, object?[] Values)
{
    /// <summary>Runs it on an embedded store's connection; how many rows it changed does not matter.</summary>
    internal void Run(DbConnection connection)
    {
        if (((KeepingConnection)connection).Run(Sql, ImmutableCollectionsMarshal.AsArray(Parameters)!, [Values]) == 0)
        {
            Prepare(connection).ExecuteNonQuery();
        }
    }

    /// <summary>The command on an embedded store's connection, with its values.</summary>
    internal DbCommand Prepare(DbConnection connection)
    {
        var command = PreparedStatements.Get(connection, Sql, Parameters.AsSpan());
        for (var i = 0; i < Values.Length; i++)
        {
            command.Set(i, Values[i] is DateTimeOffset time ? Instants.ToMicroseconds(time) : Values[i]);
        }

        return command;
    }
}
