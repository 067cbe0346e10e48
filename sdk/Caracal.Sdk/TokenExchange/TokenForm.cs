using System.Collections.Concurrent;

namespace Caracal.Sdk.TokenExchange;

/// <summary>
/// What is posted to the STS for one request, encoded once. Its contents are lent to one mint at a time and used again: with
/// its headers a content costs more than everything else that a mint makes beside the token.
/// </summary>
internal sealed class TokenForm(ExchangeRequest request, CaracalCredentials credentials)
{
    private const int Kept = 64;

    private readonly byte[] _body = request.Form(credentials);
    private readonly ConcurrentQueue<HttpContent> _idle = [];

    public ExchangeRequest Request => request;

    /// <summary>Whether it would be the same for this resource, now.</summary>
    public bool IsFor(string resource, CaracalCredentials now) => request.Resources is [var one] && one == resource && now == credentials;

    public HttpContent Take()
    {
        if (_idle.TryDequeue(out var content)) return content;
        content = new ByteArrayContent(_body);
        content.Headers.TryAddWithoutValidation("Content-Type", "application/x-www-form-urlencoded");
        return content;
    }

    /// <summary>Takes the content back from a request that was answered; what a handler put in its place is not kept.</summary>
    public void Return(HttpRequestMessage message, HttpContent content)
    {
        if (!ReferenceEquals(message.Content, content) || _idle.Count >= Kept) return;
        message.Content = null; // or it ends with the message
        _idle.Enqueue(content);
    }
}
