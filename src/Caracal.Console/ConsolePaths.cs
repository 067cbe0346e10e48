using Microsoft.AspNetCore.Http;

namespace Caracal.Console;

/// <summary>The console's own addresses.</summary>
internal static class ConsolePaths
{
    public static string Zone(string zone) => $"/zones/{Uri.EscapeDataString(zone)}";

    public static string Decisions(string zone) => Zone(zone) + "/decisions";

    public static string Decision(string zone, string requestId) => $"{Decisions(zone)}/{Uri.EscapeDataString(requestId)}";

    public static string Sessions(string zone) => Zone(zone) + "/sessions";

    public static string Approvals(string zone) => Zone(zone) + "/approvals";

    public static string Approval(string zone, string approval) => $"{Approvals(zone)}/{Uri.EscapeDataString(approval)}";

    public static string KillSwitch(string zone) => Zone(zone) + "/kill-switch";

    /// <summary>303: the browser asks again with GET, so that going back repeats nothing.</summary>
    public static void SeeOther(HttpContext context, string path)
    {
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = path;
    }
}
