using Caracal.Console.ControlPlane;
using Caracal.Console.Layout;
using Caracal.Console.SignIn;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console.Zones;

/// <summary><c>GET /</c>: the zones; <c>GET /zones/{zone}</c>: what one holds and what happened in it last.</summary>
internal sealed class ZonePages(ApiClient api, ConsoleAnswers answers)
{
    public async Task ListAsync(HttpContext context, ConsoleSession session)
    {
        if (session.ZoneId is not null)
        {
            ConsolePaths.SeeOther(context, session.Home);
            return;
        }

        var zones = await api.GetAsync(session, "/v1/zones" + ConsoleQuery.Cursor(context), ApiShapes.Default.ListPageZoneRow, context.RequestAborted);
        await answers.WriteAsync<ZonesPage, ListPage<ZoneRow>>(context, session, null, zones);
    }

    public async Task ShowAsync(HttpContext context, ConsoleSession session, string zone)
    {
        var overview = await api.GetAsync(session, $"/v1/zones/{Uri.EscapeDataString(zone)}/overview", ApiShapes.Default.ZoneOverview, context.RequestAborted);
        await answers.WriteAsync<ZonePage, ZoneOverview>(context, session, zone, overview);
    }
}
