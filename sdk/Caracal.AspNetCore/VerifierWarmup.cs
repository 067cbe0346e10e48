using Caracal.Verifier;
using Microsoft.Extensions.Hosting;

namespace Caracal.AspNetCore;

/// <summary>Makes the verifier when the application starts, so that wrong options stop it, and fetches the keys meanwhile.</summary>
internal sealed class VerifierWarmup(MandateVerifier verifier) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = verifier.WarmupAsync(CancellationToken.None); // an issuer that is away now is asked again by the first request
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
