using Caracal.Keys.Rings;
using Microsoft.AspNetCore.Http;

namespace Caracal.Hosting.Metrics;

/// <summary>Who may read metrics (operations.md 6.1): <c>Bearer</c> and the metrics token; open only in dev with none set.</summary>
/// <param name="token">The token's slots; null when unset.</param>
/// <param name="mode">The mode.</param>
public sealed class MetricsAccess(TokenRing? token, CaracalMode mode)
{
    private const string Scheme = "Bearer ";

    /// <summary>True when the request may see metrics.</summary>
    public bool Allows(HttpRequest request)
    {
        if (token is null)
        {
            return !mode.IsPublished();
        }

        var header = request.Headers.Authorization;
        return header.Count == 1 && header[0] is { } text
            && text.StartsWith(Scheme, StringComparison.Ordinal)
            && token.Verify(text.AsSpan(Scheme.Length), request.HttpContext.Connection.RemoteIpAddress);
    }
}
