using Dapper;

namespace Caracal.Storage.Delegations;

/// <summary>Table <c>delegation_budgets</c> as the Gateway uses it: takes one use from every budget of a chain, or from none.</summary>
/// <param name="database">The store.</param>
public sealed class DelegationBudgetStore(Database database)
{
    /// <summary>
    /// Takes one use from each; false, and nothing taken, when one of them has none left. An edge whose budget cannot be
    /// found has none left either.
    /// </summary>
    public Task<bool> ReserveAsync(string zoneId, IReadOnlyList<string> edgeIds, CancellationToken cancellationToken) =>
        database.WriteAsync(
            WriteKind.Bookkeeping,
            async work =>
            {
                // In id order, so that calls of crossing chains wait for each other instead of locking each other out.
                var edges = work.Dialect.ListValue(edgeIds);
                var left = (await work.Connection.QueryAsync<long>(
                    $"""
                     SELECT granted - spent FROM delegation_budgets
                     WHERE zone_id = @zoneId AND {work.Dialect.AnyOfBound("edge_id", "@edges")} ORDER BY edge_id {work.Dialect.ForUpdate}
                     """,
                    new { zoneId, edges })).AsList();
                if (left.Count != edgeIds.Count || left.Exists(calls => calls <= 0))
                {
                    work.Discard();
                    return false;
                }

                await ChangeAsync(work, zoneId, edges, "spent = spent + 1");
                return true;
            },
            cancellationToken);

    /// <summary>Gives back one use to each: the upstream never heard of the call.</summary>
    public Task RefundAsync(string zoneId, IReadOnlyList<string> edgeIds, CancellationToken cancellationToken) =>
        database.WriteAsync(
            WriteKind.Bookkeeping,
            work => ChangeAsync(work, zoneId, work.Dialect.ListValue(edgeIds), "spent = spent - 1"),
            cancellationToken);

    private static Task<int> ChangeAsync(Work work, string zoneId, object edges, string change) =>
        work.Connection.ExecuteAsync(
            $"UPDATE delegation_budgets SET {change} WHERE zone_id = @zoneId AND {work.Dialect.AnyOfBound("edge_id", "@edges")}",
            new { zoneId, edges });
}
