using System.Buffers.Text;
using System.Security.Cryptography;
using Caracal.Console.ControlPlane;
using Caracal.Console.Layout;
using Caracal.Hosting.Metrics;
using Caracal.Keys.Secrets;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console.SignIn;

/// <summary><c>GET</c> and <c>POST /sign-in</c>, <c>POST /sign-out</c>: an operator signs in with an admin token (api.md 2.1).</summary>
internal sealed class SignInPages(
    ApiClient api, SignInCookie cookie, SignInThrottle throttle, TimeSpan lifetime, TimeProvider time, MetricsRegistry metrics)
{
    private const int LongestToken = 4096;
    private const int LongestZone = 64;

    private readonly Counter _accepted = metrics.Counter("""caracal_console_sign_ins_total{result="accepted"}""");
    private readonly Counter _refused = metrics.Counter("""caracal_console_sign_ins_total{result="refused"}""");

    public Task ShowAsync(HttpContext context) => PageAsync(context, StatusCodes.Status200OK, null);

    public async Task SignInAsync(HttpContext context)
    {
        if (FormPost.IsFromElsewhere(context.Request))
        {
            await PageAsync(context, StatusCodes.Status403Forbidden, "This form was sent from another site.");
            return;
        }

        var form = await FormPost.ReadAsync(context.Request);
        var token = form.GetValueOrDefault("token", "").Trim();
        var zone = form.GetValueOrDefault("zone", "").Trim();
        if (token.Length is 0 or > LongestToken || zone.Length > LongestZone)
        {
            await PageAsync(context, StatusCodes.Status400BadRequest, "A token is needed, and for a zone token the zone's id.");
            return;
        }

        if (!throttle.Allows(context.Connection.RemoteIpAddress))
        {
            _refused.Add();
            context.Response.Headers.RetryAfter = "60";
            await PageAsync(context, StatusCodes.Status429TooManyRequests, "Too many attempts. Wait a minute.");
            return;
        }

        var session = new ConsoleSession(
            new SecretText(token), zone.Length == 0 ? null : zone, Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(18)), time.GetUtcNow() + lifetime);
        if (await api.ProbeAsync(session, context.RequestAborted) is { } problem)
        {
            _refused.Add();
            var status = problem.Status is 401 or 403 or 404 ? StatusCodes.Status401Unauthorized : StatusCodes.Status502BadGateway;
            await PageAsync(context, status, Explain(problem));
            return;
        }

        _accepted.Add();
        cookie.Write(context, session);
        ConsolePaths.SeeOther(context, session.Home);
    }

    public Task SignOutAsync(HttpContext context, ConsoleSession session)
    {
        cookie.Clear(context);
        ConsolePaths.SeeOther(context, "/sign-in");
        return Task.CompletedTask;
    }

    private static string Explain(ApiProblem problem) => problem.Code switch
    {
        "invalid_admin_token" => "The API does not know this token.",
        "admin_token_zone_mismatch" => "This token belongs to one zone: give that zone's id.",
        "zone_not_found" => "There is no such zone.",
        _ => $"The API answered {problem.Code}.",
    };

    private static Task PageAsync(HttpContext context, int status, string? problem) =>
        PageWriter.WriteAsync<SignInPage>(context, status, new() { [nameof(SignInPage.Problem)] = problem });
}
