using Caracal.Evidence.Journals;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.OAuth;

/// <summary>What introspection and revocation share at their edge: form, client, token, and 503 for a dependency that fails.</summary>
internal static class OAuthEndpoint
{
    public static async Task AnswerAsync(
        HttpContext context, ExchangeParts parts, OAuthClientAuthentication authentication,
        Func<OAuthCaller, string, CancellationToken, Task<Refusal?>> answer)
    {
        context.Response.Headers.CacheControl = "no-store";
        Refusal? refusal;
        try
        {
            refusal = await RunAsync(context, authentication, answer);
        }
        catch (Exception fault) when (fault is StorageUnavailableException or StreamsUnavailableException or JournalUnavailableException)
        {
            parts.Metrics.DependencyFailed();
            refusal = StsErrors.Unavailable;
        }

        if (refusal?.Code == OAuthErrors.InvalidClient.Code)
        {
            context.Response.Headers.WWWAuthenticate = "Basic realm=\"caracal-sts\"";
        }

        if (refusal is not null)
        {
            await ErrorBody.WriteAsync(context, refusal);
        }
    }

    private static async Task<Refusal?> RunAsync(
        HttpContext context, OAuthClientAuthentication authentication, Func<OAuthCaller, string, CancellationToken, Task<Refusal?>> answer)
    {
        var read = await FormRequest.ReadAsync(context);
        if (read.Form is not { } form)
        {
            return read.Refusal;
        }

        var (caller, refusal) = await authentication.RunAsync(context, form, context.RequestAborted);
        if (caller is null)
        {
            return refusal;
        }

        return form.Find("token") is { Length: > 0 } token ? await answer(caller, token, context.RequestAborted) : OAuthErrors.TokenMissing;
    }
}
