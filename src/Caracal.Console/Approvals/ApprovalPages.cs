using System.Text.Json;
using Caracal.Console.ControlPlane;
using Caracal.Console.SignIn;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console.Approvals;

/// <summary><c>GET /zones/{zone}/approvals</c> and <c>POST …/{approval}</c>: an operator decides a hold (api.md 11.6).</summary>
internal sealed class ApprovalPages(ApiClient api, ConsoleAnswers answers)
{
    public async Task ListAsync(HttpContext context, ConsoleSession session, string zone)
    {
        var state = StateOf(context.Request.Query);
        var query = state.Length == 0 ? ConsoleQuery.Cursor(context) : FilterOf(state) + ConsoleQuery.Cursor(context).Replace('?', '&');
        var approvals = await api.GetAsync(
            session, $"/v1/zones/{Uri.EscapeDataString(zone)}/approvals{query}", ApiShapes.Default.ListPageApprovalRow, context.RequestAborted);
        await answers.WriteAsync<ApprovalsPage, ListPage<ApprovalRow>>(
            context, session, zone, approvals, (nameof(ApprovalsPage.Filter), FilterOf(state)), (nameof(ApprovalsPage.State), state));
    }

    /// <summary>The state that is asked for: what waits, unless another or none is named.</summary>
    internal static string StateOf(IQueryCollection query) => query.TryGetValue("state", out var state) ? state.ToString() : "pending";

    /// <summary>What a link to the next page has to say so that it asks for the same state; "any" has to be said too.</summary>
    internal static string FilterOf(string state) => "?state=" + Uri.EscapeDataString(state);

    public async Task DecideAsync(HttpContext context, ConsoleSession session, string zone, string approval, IReadOnlyDictionary<string, string> form)
    {
        // Only the two words of our own buttons name a decision.
        if (form.GetValueOrDefault("decision") is not ("approve" or "reject"))
        {
            await answers.RefuseAsync(context, session, zone, new ApiProblem(StatusCodes.Status400BadRequest, "invalid_decision"));
            return;
        }

        var body = new Dictionary<string, JsonElement>();
        if (form.GetValueOrDefault("reason") is { Length: > 0 } reason) body["reason"] = JsonSerializer.SerializeToElement(reason, ApiShapes.Default.String);
        var answer = await api.PostAsync(
            session, $"/v1/zones/{Uri.EscapeDataString(zone)}/approvals/{Uri.EscapeDataString(approval)}/{form["decision"]}", body,
            ApiShapes.Default.DecidedRow, context.RequestAborted);
        if (answer.Problem is { } problem) await answers.RefuseAsync(context, session, zone, problem);
        else ConsolePaths.SeeOther(context, ConsolePaths.Approvals(zone));
    }
}
