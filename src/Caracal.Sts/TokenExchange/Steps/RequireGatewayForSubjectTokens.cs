namespace Caracal.Sts.TokenExchange.Steps;

/// <summary>Step 19: only the Gateway may turn a token into access to a resource.</summary>
internal sealed class RequireGatewayForSubjectTokens : IExchangeStep
{
    public ValueTask<Verdict> RunAsync(Exchange exchange, CancellationToken cancellationToken) =>
        ValueTask.FromResult(exchange.Request.SubjectToken is not null && !exchange.IsGateway
            ? Verdict.Refuse(StsErrors.GatewayRequired)
            : Verdict.Continue);
}
