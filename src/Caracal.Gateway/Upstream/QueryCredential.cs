namespace Caracal.Gateway.Upstream;

/// <summary>
/// A credential that went upstream in the query (gateway.md A9). Upstreams repeat the query they were called with, in a redirect
/// to the same place with a slash for one, and the caller must not read the credential there.
/// </summary>
/// <param name="key">The parameter.</param>
/// <param name="value">The credential.</param>
internal sealed class QueryCredential(string key, string value)
{
    // Anything shorter is part of other words.
    private const int ShortestRecognised = 8;

    private readonly string _escaped = Uri.EscapeDataString(value);

    /// <summary>True when a text holds the credential, as it is or as a query says it.</summary>
    public bool IsIn(string text) =>
        value.Length >= ShortestRecognised
        && (text.Contains(value, StringComparison.Ordinal) || text.Contains(_escaped, StringComparison.OrdinalIgnoreCase));

    /// <summary>A URL without the parameter; whoever follows it through the Gateway has the credential put in again.</summary>
    public string Without(string url)
    {
        var fragment = url.IndexOf('#');
        var end = fragment < 0 ? url.Length : fragment;
        var query = url.IndexOf('?', 0, end);
        if (query < 0)
        {
            return url;
        }

        var rest = QueryRules.Without(url[(query + 1)..end], QueryKeys.Of(key));
        return rest.Length == 0 ? $"{url[..query]}{url[end..]}" : $"{url[..query]}?{rest}{url[end..]}";
    }
}
