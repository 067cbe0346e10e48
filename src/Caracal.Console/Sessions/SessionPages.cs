using Caracal.Console.ControlPlane;
using Caracal.Console.SignIn;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console.Sessions;

/// <summary><c>GET /zones/{zone}/sessions</c>: which agents run, for whom.</summary>
internal sealed class SessionPages(ApiClient api, ConsoleAnswers answers)
{
    public async Task ListAsync(HttpContext context, ConsoleSession session, string zone)
    {
        var sessions = await api.GetAsync(
            session, $"/v1/zones/{Uri.EscapeDataString(zone)}/sessions{ConsoleQuery.Of(context, "status", "label", "subject_id", "cursor")}",
            ApiShapes.Default.ListPageSessionRow, context.RequestAborted);
        await answers.WriteAsync<SessionsPage, ListPage<SessionRow>>(
            context, session, zone, sessions,
            (nameof(SessionsPage.Filter), ConsoleQuery.Of(context, "status", "label", "subject_id")),
            (nameof(SessionsPage.Status), context.Request.Query["status"].ToString()),
            (nameof(SessionsPage.Label), context.Request.Query["label"].ToString()));
    }
}
