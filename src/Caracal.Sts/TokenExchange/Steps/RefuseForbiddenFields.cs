using Caracal.Protocol;

namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 3: fields of other grant forms are refused, even empty, so that nobody believes they had an effect.</summary>
internal sealed class RefuseForbiddenFields : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken) =>
        ValueTask.FromResult(exchange.Request.ForbiddenField is { } field
            ? Verdict.Refuse(new Refusal(400, "invalid_token", $"{field} is not supported"))
            : Verdict.Continue);
}
