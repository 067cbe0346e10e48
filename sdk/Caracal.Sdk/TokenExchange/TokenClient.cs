using System.Runtime.CompilerServices;
using Caracal.Sdk.Events;

namespace Caracal.Sdk.TokenExchange;

/// <summary>Asks the STS (sdk.md 3): one attempt of at most 30 seconds, cached and shared where that is safe.</summary>
internal sealed class TokenClient(CaracalOptions options, HttpMessageInvoker http, Telemetry telemetry)
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(30);

    private readonly Uri _endpoint = new(options.StsUrl.TrimEnd('/') + "/oauth/2/token");
    private readonly TokenCache _cache = new(options.Time);
    private readonly Dictionary<string, Task<Mandate>> _flights = new(StringComparer.Ordinal);
    private readonly Lock _turn = new();
    private readonly TimeLimits _limits = new(Budget);
    private CaracalCredentials? _known;
    private int _generation;

    /// <summary>The credentials of this moment; a change of them forgets everything that was minted with the others.</summary>
    public async ValueTask<CaracalCredentials> CredentialsAsync(CancellationToken cancellationToken)
    {
        if (options.BootstrapToken is not null) throw new CredentialsUnavailableException("a bootstrap token cannot mint");
        if (options.Resolver is null) return _known ??= new CaracalCredentials(options.ZoneId!, options.ApplicationId!, options.ClientSecret!);
        var current = await options.Resolver(cancellationToken).ConfigureAwait(false);
        if (current is null || current.ClientSecret.Length == 0) throw new CredentialsUnavailableException("the resolver has no credentials");
        if (_known is not null && current != _known) Forget();
        _known = current;
        return current;
    }

    /// <summary>Drops every cached mandate; what is in flight is not kept either.</summary>
    public void Forget()
    {
        lock (_turn)
        {
            _generation++;
            _flights.Clear();
        }

        _cache.Clear();
    }

    public async ValueTask<Mandate> ExchangeAsync(ExchangeRequest request, CancellationToken cancellationToken)
    {
        var credentials = await CredentialsAsync(cancellationToken).ConfigureAwait(false);
        if (!request.IsCacheable) return await MintAsync(request, credentials, cancellationToken).ConfigureAwait(false);
        var key = _cache.KeyOf(request, credentials);
        if (_cache.Find(key) is { } cached)
        {
            if (telemetry.IsWanted) telemetry.Raise(new TokenExchangeEvent(request.Resources, request.Scopes, Cached: true, Ok: true, TimeSpan.Zero, null, null));
            return cached;
        }

        Task<Mandate> flight;
        lock (_turn)
        {
            if (!_flights.TryGetValue(key, out flight!))
            {
                flight = FlyAsync(key, request, credentials, _generation);
                if (!flight.IsCompleted) _flights[key] = flight;
            }
        }

        return await flight.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A fresh mandate as the whole value of an <c>Authorization</c> header; never cached.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<string> BearerAsync(TokenForm form, CancellationToken cancellationToken)
    {
        var begin = telemetry.Begin();
        var (value, _, _) = await PostAsync(form, "Bearer ", wantTargets: false, begin, cancellationToken).ConfigureAwait(false);
        return value;
    }

    // Shared by all who wait; nobody's leaving ends it.
    private async Task<Mandate> FlyAsync(string key, ExchangeRequest request, CaracalCredentials credentials, int generation)
    {
        try
        {
            var mandate = await MintAsync(request, credentials, CancellationToken.None).ConfigureAwait(false);
            lock (_turn)
            {
                if (generation == _generation) _cache.Add(key, mandate);
            }

            return mandate;
        }
        finally
        {
            lock (_turn)
            {
                if (generation == _generation) _flights.Remove(key);
            }
        }
    }

    private async Task<Mandate> MintAsync(ExchangeRequest request, CaracalCredentials credentials, CancellationToken cancellationToken)
    {
        var begin = telemetry.Begin();
        var now = options.Time.GetUtcNow();
        var (token, expiresIn, targets) = await PostAsync(new TokenForm(request, credentials), "", wantTargets: true, begin, cancellationToken).ConfigureAwait(false);
        return new Mandate(token, expiresIn, now.AddSeconds(expiresIn), targets);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(string Token, int ExpiresIn, IReadOnlyList<string> Targets)> PostAsync(
        TokenForm form, string prefix, bool wantTargets, long begin, CancellationToken cancellationToken)
    {
        using var limit = _limits.Begin(cancellationToken);
        var status = 0;
        try
        {
            var content = form.Take();
            using var message = new HttpRequestMessage(HttpMethod.Post, _endpoint) { Content = content, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
            using var response = await http.SendAsync(message, limit.Token).ConfigureAwait(false);
            status = (int)response.StatusCode;
            var (buffer, length) = await TokenAnswer.ReadBodyAsync(response, limit.Token).ConfigureAwait(false);
            try
            {
                if (!response.IsSuccessStatusCode) throw TokenAnswer.Error(status, buffer.AsSpan(0, length));
                if (!IsJson(response)) throw new CaracalException(CaracalErrorCodes.StsUnavailable, "the STS did not answer with JSON", 502);
                var answer = TokenAnswer.Read(buffer.AsSpan(0, length), prefix, wantTargets);
                form.Return(message, content);
                Tell(form.Request, begin, ok: true, status, null);
                return answer;
            }
            finally
            {
                TokenAnswer.Return(buffer);
            }
        }
        catch (CaracalException refusal)
        {
            Tell(form.Request, begin, ok: false, status, refusal.Code);
            throw;
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException || (fault is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Tell(form.Request, begin, ok: false, status, CaracalErrorCodes.StsUnavailable);
            throw new CaracalException(CaracalErrorCodes.StsUnavailable, $"the STS cannot be reached: {fault.Message}", 0, null, fault);
        }
    }

    private static bool IsJson(HttpResponseMessage response)
    {
        if (!response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values) || values.Count != 1) return false;
        var written = values.ToString().AsSpan(); // parsing it would make objects of it
        var type = (written.IndexOf(';') is var end and >= 0 ? written[..end] : written).Trim();
        return type.Equals("application/json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }

    private void Tell(ExchangeRequest request, long begin, bool ok, int status, string? code)
    {
        if (!telemetry.IsWanted) return;
        telemetry.Raise(new TokenExchangeEvent(request.Resources, request.Scopes, Cached: false, ok, telemetry.Since(begin), status == 0 ? null : status, code));
    }
}
