using System.Security.Cryptography;
using Caracal.Console.Approvals;
using Caracal.Console.ControlPlane;
using Caracal.Console.Decisions;
using Caracal.Console.Health;
using Caracal.Console.KillSwitch;
using Caracal.Console.Layout;
using Caracal.Console.Sessions;
using Caracal.Console.SignIn;
using Caracal.Console.Zones;
using Caracal.Hosting.Http;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Rings;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console;

/// <summary>
/// The console on one page: what operators see of their zones, and the two things they do in a hurry, deciding holds and
/// ending authority. It keeps nothing and may do nothing: each page asks the API with the token of who looks.
/// </summary>
public sealed class ConsoleService : IDisposable
{
    private readonly ApiClient _api;
    private readonly SignInCookie _cookie;
    private readonly ConsoleAnswers _answers;
    private readonly ConsoleHealth _health;
    private readonly SignInPages _signIn;
    private readonly ZonePages _zones;
    private readonly DecisionPages _decisions;
    private readonly SessionPages _sessions;
    private readonly ApprovalPages _approvals;
    private readonly KillSwitchPages _killSwitch;

    public ConsoleService(ConsoleSettings settings, TimeProvider time)
    {
        var secret = settings.AuthSecret
            ?? Keys.Rings.TokenRing.Of(KeyClass.AuthSecret, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        _api = new ApiClient(settings.ApiUrl, settings.Authorities);
        _cookie = new SignInCookie(secret, settings.SecureOutside, time);
        _answers = new ConsoleAnswers(_cookie);
        _health = new ConsoleHealth(_api, Metrics, new MetricsAccess(settings.MetricsToken, settings.Mode), time);
        _signIn = new SignInPages(_api, _cookie, new SignInThrottle(time), settings.SessionLifetime, time, Metrics);
        _zones = new ZonePages(_api, _answers);
        _decisions = new DecisionPages(_api, _answers);
        _sessions = new SessionPages(_api, _answers);
        _approvals = new ApprovalPages(_api, _answers);
        _killSwitch = new KillSwitchPages(_api, _answers);
        ServerOptions = new RoleServerOptions
        {
            Role = ConsoleSettings.Role,
            Listen = settings.Listen,
            RequestIdRule = RequestIdRule.Visible,
            MaximumBodySize = 64 * 1024,
        };
    }

    /// <summary>How this service listens.</summary>
    public RoleServerOptions ServerOptions { get; }

    public MetricsRegistry Metrics { get; } = new();

    public void MapRoutes(WebApplication application)
    {
        application.MapGet("/health", _health.HealthAsync);
        application.MapGet("/ready", _health.ReadyAsync);
        application.MapGet("/metrics", _health.MetricsAsync);
        application.MapGet("/console.css", StyleSheet.HandleAsync);
        application.MapGet("/sign-in", _signIn.ShowAsync);
        application.MapPost("/sign-in", _signIn.SignInAsync);

        Page(application, "/", (context, session, _) => _zones.ListAsync(context, session));
        Page(application, "/zones/{zone}", _zones.ShowAsync);
        Page(application, "/zones/{zone}/decisions", _decisions.ListAsync);
        Page(application, "/zones/{zone}/decisions/{request}", (context, session, zone) => _decisions.ExplainAsync(context, session, zone, Segment(context, "request")));
        Page(application, "/zones/{zone}/sessions", _sessions.ListAsync);
        Page(application, "/zones/{zone}/approvals", _approvals.ListAsync);
        Page(application, "/zones/{zone}/kill-switch", _killSwitch.ShowAsync);

        Form(application, "/sign-out", (context, session, _, _) => _signIn.SignOutAsync(context, session));
        Form(
            application, "/zones/{zone}/approvals/{approval}",
            (context, session, zone, form) => _approvals.DecideAsync(context, session, zone, Segment(context, "approval"), form));
        Form(application, "/zones/{zone}/kill-switch", _killSwitch.RunAsync);
    }

    public void Dispose() => _api.Dispose();

    private static string Segment(HttpContext context, string name) => context.Request.RouteValues[name] as string ?? "";

    // What is shown to whoever is signed in; all others are led to the sign-in.
    private void Page(WebApplication application, string path, Func<HttpContext, ConsoleSession, string, Task> show) =>
        application.MapGet(path, context =>
        {
            if (_cookie.Read(context.Request) is { } session) return show(context, session, Segment(context, "zone"));
            ConsolePaths.SeeOther(context, "/sign-in");
            return Task.CompletedTask;
        });

    // What changes something: only a form of this very sign-in does.
    private void Form(WebApplication application, string path, Func<HttpContext, ConsoleSession, string, IReadOnlyDictionary<string, string>, Task> run) =>
        application.MapPost(path, async context =>
        {
            if (_cookie.Read(context.Request) is not { } session)
            {
                ConsolePaths.SeeOther(context, "/sign-in");
                return;
            }

            var form = await FormPost.ReadAsync(context.Request);
            if (FormPost.IsFromElsewhere(context.Request) || !FormPost.Belongs(form, session))
            {
                await _answers.RefuseAsync(context, session, null, new ApiProblem(StatusCodes.Status403Forbidden, "form_expired"));
                return;
            }

            await run(context, session, Segment(context, "zone"), form);
        });
}
