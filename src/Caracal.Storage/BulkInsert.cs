using System.Collections.Immutable;

namespace Caracal.Storage;

/// <summary>What a column of a bulk insert holds.</summary>
public enum BulkType
{
    Text,
    Number,
    Json,
    Time,
}

/// <summary>A column of a bulk insert.</summary>
public readonly record struct BulkColumn(string Name, BulkType Type);

/// <summary>Many rows for one table, in one go (<see cref="ISqlDialect.InsertManyAsync"/>).</summary>
/// <param name="Head"><c>INSERT INTO …</c>: the verb and the table, spelled out where the store is, for whoever looks for it.</param>
/// <param name="Columns">Its columns; a constant of the store.</param>
/// <param name="Rows">Values in the columns' order: texts, also in UTF-8, numbers, times, null.</param>
/// <param name="Tail">What follows the rows, as <c>ON CONFLICT …</c>; a constant of the store.</param>
public sealed record BulkInsert(string Head, ImmutableArray<BulkColumn> Columns, IReadOnlyList<object?[]> Rows, string Tail = "");
