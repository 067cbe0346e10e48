using System.Diagnostics;
using System.Text;
using Caracal.Authority.TokenExchange;
using Caracal.Hosting.Tracing;
using Caracal.Protocol.Exchange;
using Caracal.Sts.Health;
using Caracal.Sts.PolicyShadows;

namespace Caracal.Sts.TokenExchange;

/// <summary>The Gateway's exchange when both share a process: the same steps and the same events, without HTTP and HMAC.</summary>
internal sealed class InProcessExchange(TokenExchangeSpine spine, ShadowPolicies shadows, StsMetrics metrics) : IGatewayExchange
{
    // The span that the STS's server would make; the source is a name, and holds nothing.
    private static readonly ActivitySource Source = Spans.SourceOf(StsSettings.Role);

    public async Task<ExchangeOutcome> ExchangeAsync(ExchangeRequest request, CancellationToken cancellationToken)
    {
        using var span = Spans.Current is null ? null : Source.StartActivity("exchange");
        var exchange = new Exchange(Read(request), request.RequestId)
        {
            SignsOnDemand = true,
            Subject = request.Subject is { } taken && taken.IsOf(request.SubjectToken.Span) ? taken : null,
        };
        var verdict = await spine.RunAsync(exchange, cancellationToken);
        metrics.Finished(verdict.IsGranted);
        if (exchange.Shadowed is { } questions)
        {
            shadows.Ask(questions);
        }

        if (!verdict.IsGranted)
        {
            span?.SetTag("caracal.refusal", verdict.Refusal.Code);
            return ExchangeOutcome.Failed(new ExchangeFailure(verdict.Refusal, Authenticated: true)
            {
                Hold = exchange.ShownHold is { } hold && verdict.Refusal.Code == StsErrors.ApprovalRequired.Code
                    ? TokenAnswer.Describe(hold, exchange.Now)
                    : null,
            });
        }

        // By the text the caller sent, as over HTTP: a row id names no upstream (gateway.md A8).
        var directive = exchange.Upstreams?.GetValueOrDefault(exchange.Request.Resources[0]);
        var token = directive is { AuthMode: "caracal_jwt" } or { ForwardCaracalIdentity: true } ? Encoding.ASCII.GetString(exchange.AccessToken) : null;
        return ExchangeOutcome.Granted(new ExchangeGrant(token, (int)exchange.LifetimeSeconds, directive));
    }

    public Task<bool> IsReachableAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    // The fields of gateway.md A8, through the same trimming as the form's.
    private static TokenRequest Read(ExchangeRequest request)
    {
        var resource = request.Resource.Trim();
        return new TokenRequest
        {
            GrantType = TokenRequest.TokenExchangeGrant,
            ZoneId = request.ZoneId.Trim() is { Length: > 0 } zone ? zone : null,
            ApplicationId = request.ApplicationId.Trim() is { Length: > 0 } application ? application : null,
            SubjectToken = request.SubjectToken,
            SubjectTokenType = TokenRequest.AccessTokenType,
            Resources = [resource],
            HasEmptyResource = resource.Length == 0,
            RequestMethod = request.Method,
            RequestPath = request.Path,
            McpOperation = request.McpOperation,
            GatewayRequestId = request.RequestId,
            IsGateway = true,
        };
    }
}
