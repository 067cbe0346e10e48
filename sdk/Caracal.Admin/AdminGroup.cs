using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Caracal.Admin;

/// <summary>One kind of thing: listed, read, created, changed, deleted.</summary>
public sealed class AdminGroup<T>
    where T : class
{
    private readonly AdminTransport _transport;
    private readonly string _path;
    private readonly JsonTypeInfo<T> _type;

    internal AdminGroup(AdminTransport transport, string path, JsonTypeInfo<T> type)
    {
        _transport = transport;
        _path = path;
        _type = type;
    }

    /// <summary>All of them, newest page first as the API sends them; at most 50 pages.</summary>
    /// <param name="filter">Query parameters.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<IReadOnlyList<T>> ListAsync(IReadOnlyDictionary<string, string>? filter = null, CancellationToken cancellationToken = default)
    {
        var query = filter is null ? "" : "?" + string.Join('&', filter.Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value)}"));
        return [.. (await _transport.ListAsync(_path + query, cancellationToken).ConfigureAwait(false)).Select(Read)];
    }

    public async Task<T> GetAsync(string id, CancellationToken cancellationToken = default) =>
        Read(await _transport.SendAsync(HttpMethod.Get, Of(id), null, cancellationToken).ConfigureAwait(false));

    public async Task<T> CreateAsync(JsonObject body, CancellationToken cancellationToken = default) =>
        Read(await _transport.SendAsync(HttpMethod.Post, _path, body, cancellationToken).ConfigureAwait(false));

    /// <summary>Changes what the body names.</summary>
    public async Task<T> UpdateAsync(string id, JsonObject body, CancellationToken cancellationToken = default) =>
        Read(await _transport.SendAsync(HttpMethod.Patch, Of(id), body, cancellationToken).ConfigureAwait(false));

    public Task DeleteAsync(string id, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Delete, Of(id), null, cancellationToken);

    /// <summary>A further call below one of them, for example <c>versions</c> or <c>approve</c>.</summary>
    public Task<JsonElement> PostAsync(string id, string action, JsonObject? body = null, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(HttpMethod.Post, $"{Of(id)}/{action}", body, cancellationToken);

    /// <summary>A further read below one of them.</summary>
    public Task<JsonElement> GetAsync(string id, string below, CancellationToken cancellationToken) =>
        _transport.SendAsync(HttpMethod.Get, $"{Of(id)}/{below}", null, cancellationToken);

    /// <summary>Replaces one of them whole, where the API has no partial change.</summary>
    public async Task<T> ReplaceAsync(string id, JsonObject body, CancellationToken cancellationToken = default) =>
        Read(await _transport.SendAsync(HttpMethod.Put, Of(id), body, cancellationToken).ConfigureAwait(false));

    private string Of(string id) => $"{_path}/{Uri.EscapeDataString(id)}";

    private T Read(JsonElement body) => body.ValueKind == JsonValueKind.Object && body.Deserialize(_type) is { } read
        ? read
        : throw new AdminApiException(502, "invalid_answer", _path, "");
}
