using Caracal.Authority.Providers;
using Caracal.Egress;
using Caracal.Egress.Providers;

namespace Caracal.Sts.Providers;

/// <summary>What came of asking a token endpoint; the default is a failure.</summary>
/// <param name="Token">Null when there is none.</param>
/// <param name="Error">The endpoint's own <c>error</c>, when it refused; null when it could not be asked.</param>
/// <param name="RefusedClient">The endpoint answered, and does not take this client's credential.</param>
internal readonly record struct TokenOutcome(TokenResponse? Token, string? Error, bool RefusedClient = false);

/// <summary>Asks a token endpoint: two attempts of five seconds, nothing but a small 200 accepted (sts.md 9.2). The guard is the sender's.</summary>
internal sealed class TokenEndpointClient(
    Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, TimeProvider time)
{
    private const int Attempts = 2;
    private const int LargestAnswer = 64 * 1024;
    private static readonly TimeSpan AttemptTime = TimeSpan.FromSeconds(5);

    public async Task<TokenOutcome> AskAsync(OAuthClient client, TokenForm form, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (status, body) = await TryAsync(client.TokenEndpoint, form, cancellationToken);
            if (status == 200 && body is { } json)
            {
                return new TokenOutcome(TokenResponse.TryRead(json, client.HasOwnScheme), null);
            }

            // A refusal is an answer; only what may be different in a moment is asked again.
            var mayPass = status is null or 429 or >= 500;
            if (!mayPass || attempt == Attempts)
            {
                var error = status is >= 400 and < 500 && body is { } refusal ? TokenResponse.ReadError(refusal) : null;
                return new TokenOutcome(null, error, status is { } answered && ConnectivityRules.RefusesClient(client.IsJwtBearer, answered, error));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(Random.Shared.Next(50, 150)), time, cancellationToken);
        }
    }

    private async Task<(int? Status, ReadOnlyMemory<byte>? Body)> TryAsync(Uri endpoint, TokenForm form, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(AttemptTime);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new FormUrlEncodedContent(form.Fields) };
            request.Headers.TryAddWithoutValidation("Accept", "application/json");
            if (form.Authorization is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", form.Authorization);
            }

            using var response = await send(request, deadline.Token);
            return ((int)response.StatusCode, await LimitedBody.ReadAsync(response.Content, LargestAnswer, deadline.Token));
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            return (null, null);
        }
    }
}
