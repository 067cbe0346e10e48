using System.Collections.Concurrent;
using Dapper;

namespace Caracal.Storage.TokenExchange;

/// <summary>Notes when an overlapping previous secret was used, at most once a minute for each (operations.md 4.6.9).</summary>
public sealed class PreviousSecretUse(Database database)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _noted = new(StringComparer.Ordinal);

    public async ValueTask NoteAsync(string id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (_noted.TryGetValue(id, out var last) && now - last < Interval)
        {
            return;
        }

        _noted[id] = now;
        await database.WriteAsync(
            WriteKind.Bookkeeping,
            work => work.Connection.ExecuteAsync("UPDATE credential_secrets SET last_used_at = @now WHERE id = @id", new { id, now }),
            cancellationToken);
    }
}
