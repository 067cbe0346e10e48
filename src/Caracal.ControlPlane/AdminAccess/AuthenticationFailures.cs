using System.Net;
using Caracal.Hosting.Metrics;
using Microsoft.Extensions.Logging;

namespace Caracal.ControlPlane.AdminAccess;

/// <summary>Counts calls without a valid admin token, and tells of them at most once a second: whoever guesses must not fill the log.</summary>
internal sealed partial class AuthenticationFailures(Counter counter, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private DateTimeOffset _told = DateTimeOffset.MinValue;
    private long _untold;

    public void Note(IPAddress address)
    {
        counter.Add();
        long failures;
        lock (_lock)
        {
            _untold++;
            var now = time.GetUtcNow();
            if (now >= _told && now - _told < Pause) return;
            (_told, failures, _untold) = (now, _untold, 0);
        }

        Failed(log, failures, address.ToString());
    }

    [LoggerMessage(EventId = 3041, EventName = "admin_auth_failed", Level = LogLevel.Warning, Message = "{Failures} calls without a valid admin token since the last such line; the last one from {ClientIp}")]
    private static partial void Failed(ILogger log, long failures, string clientIp);
}
