using System.Text.Encodings.Web;
using Caracal.Verifier;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Caracal.AspNetCore;

/// <summary>Authenticates by mandate, under the requirements of the endpoint that the request is for.</summary>
internal sealed class MandateAuthenticationHandler(
    MandateVerifier verifier, IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    private VerificationFailure? _failure;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var result = await MandateRequest.VerifyAsync(Context, verifier, Requirements());
        _failure = result.Failure;
        return result.IsAccepted(out var principal)
            ? AuthenticateResult.Success(new AuthenticationTicket(MandateRequest.PrincipalOf(principal), Scheme.Name))
            : AuthenticateResult.Fail(result.Failure!.Code);
    }

    // A mandate that lacks a scope is refused here already, with 403: it is the mandate that failed, not its bearer.
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        await HandleAuthenticateOnceSafeAsync();
        await MandateFailureResponse.WriteAsync(Context, _failure ?? new VerificationFailure(401, "invalid_token", "Token validation failed"), Requirements());
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        MandateFailureResponse.WriteAsync(Context, new VerificationFailure(403, "insufficient_scope", "Access denied"), Requirements());

    // A group's requirements first, then those of the endpoint in it.
    private MandateRequirements Requirements()
    {
        var requirements = verifier.Requirements;
        foreach (var metadata in Context.GetEndpoint()?.Metadata ?? EndpointMetadataCollection.Empty)
        {
            requirements = metadata switch
            {
                MandateRequirementMetadata route => route.Overrides.ApplyTo(requirements),
                RequireMandateAttribute attribute => attribute.Overrides.ApplyTo(requirements),
                _ => requirements,
            };
        }

        return requirements;
    }
}
