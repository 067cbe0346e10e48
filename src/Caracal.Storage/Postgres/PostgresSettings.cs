namespace Caracal.Storage.Postgres;

/// <summary>Pool and time limits of one service (operations.md 7.3).</summary>
public sealed record PostgresSettings
{
    public int MaximumConnections { get; init; } = 20;
    public int MinimumConnections { get; init; } = 2;
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(15);
    public TimeSpan ConnectionLifetime { get; init; } = TimeSpan.FromMinutes(30);
    public TimeSpan IdleLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary><c>caracal-&lt;service&gt;:&lt;instance&gt;</c>.</summary>
    public string ApplicationName { get; init; } = "caracal";

    /// <summary>Schemas searched before <c>public</c>: the views that owners publish for this reader.</summary>
    public string? ReadSchema { get; init; }
}
