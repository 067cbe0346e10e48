using System.Net;
using Caracal.ControlPlane.Http;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.ProviderConnections;

/// <summary>What a person sees when the browser comes back from consent. It runs nothing and shows nothing of a token.</summary>
internal static class ConsentPage
{
    /// <summary>A browser says that it takes HTML; a program that asks for JSON gets JSON.</summary>
    public static bool IsWanted(HttpRequest request)
    {
        var accept = request.Headers.Accept.ToString();
        return accept.Contains("text/html", StringComparison.OrdinalIgnoreCase) && !accept.Contains("application/json", StringComparison.OrdinalIgnoreCase);
    }

    public static Answer Of(Answer answer)
    {
        var (title, text) = answer.Refusal is { } refusal
            ? ("The account was not connected", refusal.Description.Length > 0 ? $"{refusal.Code}: {refusal.Description}" : refusal.Code)
            : ("The account is connected", "You can close this window.");
        return Answer.Page(
            answer,
            $"""
             <!doctype html>
             <html lang="en"><head><meta charset="utf-8"><title>{WebUtility.HtmlEncode(title)}</title></head>
             <body><h1>{WebUtility.HtmlEncode(title)}</h1><p>{WebUtility.HtmlEncode(text)}</p></body></html>
             """);
    }
}
