using Caracal.Evidence.Journals;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Sts.Health;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Workloads;

/// <summary>What both run endpoints share at their edge: the form, and 503 for a dependency that fails.</summary>
internal static class RunEndpoint
{
    /// <param name="context">The call.</param>
    /// <param name="metrics">Counts it.</param>
    /// <param name="answer">Answers itself and returns null, or returns why not.</param>
    public static async Task AnswerAsync(
        HttpContext context, StsMetrics metrics, Func<HttpContext, FormFields, CancellationToken, Task<Refusal?>> answer)
    {
        context.Response.Headers.CacheControl = "no-store";
        Refusal? refusal;
        try
        {
            var read = await FormRequest.ReadAsync(context);
            refusal = read.Form is { } form ? await answer(context, form, context.RequestAborted) : read.Refusal;
        }
        catch (Exception fault) when (fault is StorageUnavailableException or StreamsUnavailableException or JournalUnavailableException)
        {
            metrics.DependencyFailed();
            refusal = StsErrors.Unavailable;
        }

        if (refusal is not null)
        {
            await ErrorBody.WriteAsync(context, refusal);
        }
    }
}
