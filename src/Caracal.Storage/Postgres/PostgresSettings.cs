using Caracal.Storage.Privileges;

namespace Caracal.Storage.Postgres;

/// <summary>Whose connections these are, and their limits (operations.md 7.3).</summary>
public sealed record PostgresSettings
{
    /// <summary>The service, whose read schema is searched before <c>public</c>; null for the administrator.</summary>
    public ServiceRole? Role { get; init; }

    /// <summary>Connections of this service and instance, readers and writers together; the listener's is one more.</summary>
    public int MaximumConnections { get; init; } = 20;

    public int MinimumConnections { get; init; } = 2;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(15);

    public TimeSpan IdleInTransactionTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan ConnectionLifetime { get; init; } = TimeSpan.FromMinutes(30);

    public TimeSpan IdleLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Id of this process, for <c>application_name</c>: <c>caracal-&lt;service&gt;:&lt;instance&gt;</c>.</summary>
    public string Instance { get; init; } = "";

    internal string ApplicationName => $"caracal-{Role?.Name ?? "admin"}{(Instance.Length > 0 ? ":" + Instance : "")}";

    internal string SearchPath => Role is null ? "public" : $"{Role.ReadSchema}, public";
}
