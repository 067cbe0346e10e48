using System.Text;
using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.Http;
using Caracal.ControlPlane.Outbound;
using Caracal.Egress.Providers;
using Caracal.Keys.Secrets;
using Caracal.Storage;
using Microsoft.AspNetCore.WebUtilities;

namespace Caracal.ControlPlane.Providers;

/// <summary>What a trial of a configuration came to (api.md 7).</summary>
internal sealed record CheckResult(string Status, string Detail, DateTimeOffset CheckedAt)
{
    public bool IsOk => Status == ConnectivityRules.Ok;

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteString("status", Status);
        writer.WriteString("detail", Detail);
        writer.Time("checked_at", CheckedAt);
    }
}

/// <summary>Tries an OAuth client at its token endpoint: a token for client credentials, a made-up code otherwise.</summary>
internal sealed class ProviderCheck(OutboundHttp http, DatabaseClock clock)
{
    /// <summary>Tries a configuration with its secrets, stored or not.</summary>
    public async Task<CheckResult> RunAsync(
        string kind, string configJson, IReadOnlyDictionary<string, string> secrets, CancellationToken cancellationToken)
    {
        using var config = JsonDocument.Parse(configJson);
        if (OAuthClient.TryRead(kind, config.RootElement) is not { } client)
        {
            return Result(ConnectivityRules.ConfigError, "the token endpoint, its allowed hosts or the client's data are not usable");
        }

        if (OAuthCredentials.TryCreate(client, kind, configJson, secrets) is not { } credentials)
        {
            return Result(ConnectivityRules.ConfigError, "a secret that the client's authentication needs is missing");
        }

        var form = kind == ProviderKinds.ClientCredentials
            ? TokenRequests.ForCredentials(credentials, clock.Now)
            : TokenRequests.ForCode(
                credentials, "caracal-connectivity-check", ConsentClient.TryRead(config.RootElement)?.RedirectUri ?? "", SecretMint.RandomText(), clock.Now);
        if (form is null) return Result(ConnectivityRules.ConfigError, "the private key or the certificate cannot be used");
        using var request = TokenCall.Of(client.TokenEndpoint, form);
        if (await http.AskAsync(request, cancellationToken) is not { } answer)
        {
            return Result(ConnectivityRules.Unreachable, "the token endpoint did not answer, or may not be called");
        }

        var error = ErrorOf(answer.Body);
        var status = ConnectivityRules.Judge(kind, client.IsJwtBearer, answer.Status, TokenResponse.TryRead(answer.Body, anyType: true) is not null, error);
        return Result(status, error is null ? $"the token endpoint answered {answer.Status}" : $"the token endpoint answered {answer.Status} {error}");
    }

    // Some servers answer errors as a form. What is no plain code is not repeated.
    private static string? ErrorOf(ReadOnlyMemory<byte> body)
    {
        var error = TokenResponse.ReadError(body)
            ?? QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body.Span)).GetValueOrDefault("error").ToString();
        return ConnectivityRules.IsErrorCode(error) ? error : null;
    }

    private CheckResult Result(string status, string detail) => new(status, detail, clock.Now);
}
