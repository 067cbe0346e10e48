using Caracal.Console.ControlPlane;
using Caracal.Console.SignIn;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console.Decisions;

/// <summary><c>GET /zones/{zone}/decisions</c> and <c>…/decisions/{request}</c>: what was decided, and why.</summary>
internal sealed class DecisionPages(ApiClient api, ConsoleAnswers answers)
{
    private const int PageSize = 50;

    public async Task ListAsync(HttpContext context, ConsoleSession session, string zone)
    {
        var filter = ConsoleQuery.Of(context, "decision", "event_type", "application_id", "request_id");
        var page = ConsoleQuery.Of(context, "decision", "event_type", "application_id", "request_id", "cursor");
        var events = await api.GetAsync(
            session, $"/v1/zones/{Uri.EscapeDataString(zone)}/audit{page}{(page.Length == 0 ? '?' : '&')}limit={PageSize}",
            ApiShapes.Default.ListPageEventRow, context.RequestAborted);
        await answers.WriteAsync<DecisionsPage, ListPage<EventRow>>(
            context, session, zone, events,
            (nameof(DecisionsPage.Filter), filter),
            (nameof(DecisionsPage.Decision), context.Request.Query["decision"].ToString()),
            (nameof(DecisionsPage.ApplicationId), context.Request.Query["application_id"].ToString()),
            (nameof(DecisionsPage.RequestId), context.Request.Query["request_id"].ToString()));
    }

    public async Task ExplainAsync(HttpContext context, ConsoleSession session, string zone, string request)
    {
        var explanation = await api.GetAsync(
            session, $"/v1/zones/{Uri.EscapeDataString(zone)}/audit/by-request/{Uri.EscapeDataString(request)}/explain",
            ApiShapes.Default.Explanation, context.RequestAborted);
        await answers.WriteAsync<ExplainPage, Explanation>(context, session, zone, explanation);
    }
}
