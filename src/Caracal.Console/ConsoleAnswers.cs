using Caracal.Console.ControlPlane;
using Caracal.Console.Layout;
using Caracal.Console.SignIn;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;

namespace Caracal.Console;

/// <summary>Turns what the API answered into a page: its content, its refusal, or the way back to the sign-in.</summary>
internal sealed class ConsoleAnswers(SignInCookie cookie)
{
    /// <summary>A page of one answer; the page takes <c>Session</c>, <c>ZoneId</c>, <c>Content</c>, and what <paramref name="more"/> names.</summary>
    public Task WriteAsync<TPage, T>(
        HttpContext context, ConsoleSession session, string? zone, ApiAnswer<T> answer, params ReadOnlySpan<(string Name, object? Value)> more)
        where TPage : IComponent
        where T : class
    {
        if (answer.Problem is { } problem) return RefuseAsync(context, session, zone, problem);
        var parameters = new Dictionary<string, object?> { ["Session"] = session, ["Content"] = answer.Value };
        if (zone is not null) parameters["ZoneId"] = zone;
        foreach (var (name, value) in more) parameters[name] = value;
        return PageWriter.WriteAsync<TPage>(context, StatusCodes.Status200OK, parameters);
    }

    /// <summary>Tells the operator what the API said; a token that is no longer known ends the sign-in.</summary>
    public Task RefuseAsync(HttpContext context, ConsoleSession session, string? zone, ApiProblem problem)
    {
        if (problem.Status == StatusCodes.Status401Unauthorized)
        {
            cookie.Clear(context);
            ConsolePaths.SeeOther(context, "/sign-in");
            return Task.CompletedTask;
        }

        var status = problem.Status is >= 400 and < 500 ? problem.Status : StatusCodes.Status502BadGateway;
        return PageWriter.WriteAsync<ProblemPage>(
            context, status, new() { [nameof(ProblemPage.Session)] = session, [nameof(ProblemPage.ZoneId)] = zone, [nameof(ProblemPage.Code)] = problem.Code });
    }
}
