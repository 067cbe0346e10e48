using System.Text.Json;
using Caracal.Console.ControlPlane;
using Caracal.Console.Layout;
using Caracal.Console.SignIn;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console.KillSwitch;

/// <summary><c>GET</c> and <c>POST /zones/{zone}/kill-switch</c>: shows first what would end, then ends it.</summary>
internal sealed class KillSwitchPages(ApiClient api, ConsoleAnswers answers)
{
    /// <summary>What may be named, as the API calls it.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["subject_id", "application_id", "session_id", "delegation_id"];

    public Task ShowAsync(HttpContext context, ConsoleSession session, string zone)
    {
        var kind = Kinds.FirstOrDefault(kind => context.Request.Query.ContainsKey(kind)) ?? Kinds[0];
        return PageAsync(context, session, zone, kind, context.Request.Query[kind].ToString(), "", null, done: false);
    }

    public async Task RunAsync(HttpContext context, ConsoleSession session, string zone, IReadOnlyDictionary<string, string> form)
    {
        var (kind, id, reason) = (form.GetValueOrDefault("kind", ""), form.GetValueOrDefault("id", "").Trim(), form.GetValueOrDefault("reason", ""));
        if (!Kinds.Contains(kind) || id.Length == 0)
        {
            await answers.RefuseAsync(context, session, zone, new ApiProblem(StatusCodes.Status400BadRequest, "invalid_kill_switch"));
            return;
        }

        // Whatever is not exactly our second button only looks.
        var isConfirmed = form.GetValueOrDefault("step") == "end";
        var body = new Dictionary<string, JsonElement>
        {
            [kind] = JsonSerializer.SerializeToElement(id, ApiShapes.Default.String),
            ["dry_run"] = JsonSerializer.SerializeToElement(!isConfirmed, ApiShapes.Default.Boolean),
        };
        if (reason.Length > 0) body["reason"] = JsonSerializer.SerializeToElement(reason, ApiShapes.Default.String);
        var counts = await api.PostAsync(
            session, $"/v1/zones/{Uri.EscapeDataString(zone)}/kill-switch", body, ApiShapes.Default.KillCounts, context.RequestAborted);
        if (counts.Problem is { } problem) await answers.RefuseAsync(context, session, zone, problem);
        else await PageAsync(context, session, zone, kind, id, reason, counts.Value, isConfirmed);
    }

    private static Task PageAsync(
        HttpContext context, ConsoleSession session, string zone, string kind, string id, string reason, KillCounts? counts, bool done) =>
        PageWriter.WriteAsync<KillSwitchPage>(
            context, StatusCodes.Status200OK,
            new()
            {
                [nameof(KillSwitchPage.Session)] = session,
                [nameof(KillSwitchPage.ZoneId)] = zone,
                [nameof(KillSwitchPage.Kind)] = kind,
                [nameof(KillSwitchPage.Id)] = id,
                [nameof(KillSwitchPage.Reason)] = reason,
                [nameof(KillSwitchPage.Counts)] = counts,
                [nameof(KillSwitchPage.Done)] = done,
            });
}
