using Caracal.Hosting.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Caracal.Stack;

/// <summary>
/// What the roles answer while their stores are not there yet: alive, and not ready for the reason given. An orchestrator
/// sees the truth, and nobody restarts a process for a store that is down (operations.md 6.2).
/// </summary>
internal sealed class WaitingRoom(IReadOnlyList<HostedRole> roles, ILoggerProvider logging) : IAsyncDisposable
{
    private readonly List<RoleServer> _servers = [];
    private volatile string _reason = "";

    /// <summary>Opens the doors at the first call; from then on they tell this reason.</summary>
    public async Task TellAsync(string reason, CancellationToken cancellationToken)
    {
        _reason = reason;
        if (_servers.Count > 0)
        {
            return;
        }

        foreach (var role in roles)
        {
            var server = RoleServer.Create(
                new RoleServerOptions { Role = role.Role, Listen = role.Listen, RequestIdRule = RequestIdRule.Visible }, logging);
            server.Application.Run(AnswerAsync);
            _servers.Add(server);
            await server.StartAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.StopAsync(CancellationToken.None);
            await server.DisposeAsync();
        }

        _servers.Clear();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var alive = context.Request.Path == "/health";
        context.Response.StatusCode = alive ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("ok"u8, alive);
            if (!alive)
            {
                writer.WriteBoolean("ready"u8, false);
                writer.WriteString("reason"u8, _reason);
                writer.WriteString("error"u8, _reason);
            }

            writer.WriteEndObject();
        });
    }
}
