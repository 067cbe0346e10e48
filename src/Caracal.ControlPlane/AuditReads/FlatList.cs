using System.Text.Json;
using Caracal.ControlPlane.Http;
using Caracal.Storage.Lists;

namespace Caracal.ControlPlane.AuditReads;

/// <summary>Answers a page as the list envelope, as projected rows, or as CSV (api.md 1.3, 11.8).</summary>
internal static class FlatList
{
    /// <param name="call">Whose <c>format</c> decides.</param>
    /// <param name="kind">Names the CSV file.</param>
    /// <param name="fields">Columns, and the projection when chosen.</param>
    /// <param name="rows">The page.</param>
    /// <param name="page">Its limits.</param>
    /// <param name="keyOf">Where the next page starts.</param>
    /// <param name="write">A whole row as JSON.</param>
    /// <param name="flatten">A row field by field.</param>
    public static Answer Of<T>(
        ApiCall call,
        string kind,
        FieldList fields,
        IReadOnlyList<T> rows,
        PageQuery page,
        Func<T, Keyset> keyOf,
        Action<Utf8JsonWriter, T> write,
        Func<T, FlatRow> flatten)
    {
        if (call.Query.Text("format") == "csv")
        {
            var cells = rows.Select(row =>
            {
                var flat = flatten(row);
                return fields.Names.Select(name => FlatValues.ToCell(flat(name)));
            });
            return Answer.Of(CsvDocument.Of(kind, call.Parameters.GetValueOrDefault("zoneId", "global"), fields.Names, cells, Paging.Next(rows, page, keyOf)));
        }

        return Paging.List(rows, page, keyOf, !fields.Chosen ? write : (writer, row) =>
        {
            var flat = flatten(row);
            foreach (var name in fields.Names) FlatValues.Write(writer, name, flat(name));
        });
    }
}
