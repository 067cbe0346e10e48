using System.Data.Common;

namespace Caracal.Storage;

/// <summary>The few things PostgreSQL and SQLite say differently. Everything else is one text for both.</summary>
public interface ISqlDialect
{
    /// <summary><c>postgres</c> or <c>sqlite</c>; also the name of an engine's own migration files.</summary>
    string Name { get; }

    /// <summary>Replaces the type words of a migration (<c>{time}</c>, <c>{json}</c>, <c>{texts}</c>, <c>{bytes}</c>, <c>{bool}</c>) by the engine's types.</summary>
    string TranslateTypes(string migration);

    /// <summary>Statements that raise the zone's version with every change of the table, in the same transaction (<c>{zone_version:table}</c>).</summary>
    string ZoneVersionTriggers(string table);

    /// <summary>An expression for the text member <paramref name="key"/> of a JSON column; null when absent.</summary>
    string JsonText(string column, string key);

    /// <summary>An expression for a member of an event's metadata that operators search by.</summary>
    string EventMember(string key);

    /// <summary>A condition: the list column holds the parameter's value.</summary>
    string ArrayContains(string column, string parameter);

    /// <summary>A condition: the JSON column's list member <paramref name="key"/> holds the parameter's value.</summary>
    string JsonArrayContains(string column, string key, string parameter);

    /// <summary>A condition: the column's value is one of the list parameter's (bind a <c>List&lt;string&gt;</c>; an empty one matches nothing).</summary>
    string AnyOf(string column, string parameter);

    /// <summary>As <see cref="AnyOf"/>, for a prepared statement: bind what <see cref="ListValue"/> makes of the list.</summary>
    string AnyOfBound(string column, string parameter);

    /// <summary>A list of texts as one parameter value.</summary>
    object ListValue(IReadOnlyCollection<string> values);

    /// <summary>True where every change of every service waits for the one before.</summary>
    bool HasOneWriter { get; }

    /// <summary>True where the ledger is a table per month.</summary>
    bool PartitionsLedger { get; }

    /// <summary>
    /// Removes a month of the ledger (<c>@name</c>); where it is one table, the rows of one <c>@zone</c> and of the time from
    /// <c>@start</c> to <c>@end</c>, after the sequence number <c>@after</c> and up to <c>@upTo</c>.
    /// </summary>
    string DropLedgerRows { get; }

    /// <summary>A column that rows are filtered by and must not be searched by: for a query that is in the order of another index.</summary>
    string FilterBy(string column);

    /// <summary>Inserts rows with as few round trips as the engine can.</summary>
    Task InsertManyAsync(DbConnection connection, BulkInsert insert);

    /// <summary>An expression: a time column plus a column of whole seconds.</summary>
    string AddSeconds(string time, string seconds);

    /// <summary>Appended to a SELECT that claims rows: skips rows another worker holds. Empty where there is one writer.</summary>
    string ForUpdateSkipLocked { get; }

    /// <summary>Appended to a SELECT that must keep rows still until commit. Empty where there is one writer.</summary>
    string ForUpdate { get; }

    /// <summary>The time that stands for "never" in <c>available_at</c> of a parked outbox row.</summary>
    string Infinity { get; }
}
