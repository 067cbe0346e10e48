using System.Globalization;
using Npgsql;

namespace Caracal.Storage.Postgres;

/// <summary>Turns a <c>postgres://</c> URL into the data sources of a service.</summary>
internal static class PostgresConnections
{
    // Row-level security shows nothing until the zone is set, so it is a start-up option and not a first query.
    private const string EveryZone = "-c caracal.zone_id=*";

    public static NpgsqlDataSource Open(string url, PostgresSettings settings, bool readOnly)
    {
        var builder = Parse(url);
        builder.ApplicationName = settings.ApplicationName;
        builder.MaxPoolSize = settings.MaximumConnections;
        builder.MinPoolSize = Math.Min(settings.MinimumConnections, settings.MaximumConnections);
        builder.Timeout = (int)Math.Max(1, settings.ConnectTimeout.TotalSeconds);
        builder.ConnectionLifetime = (int)settings.ConnectionLifetime.TotalSeconds;
        builder.ConnectionIdleLifetime = (int)settings.IdleLifetime.TotalSeconds;
        builder.SearchPath = settings.ReadSchema is null ? "public" : $"{settings.ReadSchema}, public";
        builder.MaxAutoPrepare = 200;
        builder.AutoPrepareMinUsages = 2;
        builder.IncludeErrorDetail = false;
        builder.Options = string.Create(
            CultureInfo.InvariantCulture,
            $"{EveryZone} -c statement_timeout={(int)settings.StatementTimeout.TotalMilliseconds} -c idle_in_transaction_session_timeout=30000{(readOnly ? " -c default_transaction_read_only=on" : "")}");
        return new NpgsqlDataSourceBuilder(builder.ConnectionString).Build();
    }

    internal static NpgsqlConnectionStringBuilder Parse(string url)
    {
        var uri = new Uri(url, UriKind.Absolute);
        if (uri.Scheme is not ("postgres" or "postgresql"))
        {
            throw new ArgumentException("a PostgreSQL URL starts with postgres://", nameof(url));
        }

        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = Uri.UnescapeDataString(uri.Host),
            Port = uri.Port > 0 ? uri.Port : 5432,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
        };
        var user = uri.UserInfo.Split(':', 2);
        builder.Username = Uri.UnescapeDataString(user[0]);
        builder.Password = user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null;
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = pair.Split('=', 2);
            var value = parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "";
            switch (parts[0])
            {
                case "sslmode":
                    builder.SslMode = Enum.Parse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
                    break;
                case "sslrootcert":
                    builder.RootCertificate = value;
                    break;
                case "host": // a socket folder, which a URL cannot carry as its host
                    builder.Host = value;
                    break;
                default:
                    break;
            }
        }

        return builder;
    }
}
