using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Caracal.Audit;

/// <summary>A JSON object of known members: a misspelt one must not come to mean something else.</summary>
internal sealed class TextBody
{
    private const int LongestText = 1000;

    private readonly Dictionary<string, string?> _members;

    private TextBody(Dictionary<string, string?> members) => _members = members;

    /// <summary>The text, 1 to 1,000 characters; null when the member is absent or null.</summary>
    public string? this[string name] => _members.GetValueOrDefault(name);

    /// <summary>Null for every body but an object of these members, each at most once, and each a text or null.</summary>
    public static async Task<TextBody?> ReadAsync(HttpContext context, params string[] known)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            var members = body.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetString(), StringComparer.Ordinal);
            return members.Keys.Except(known, StringComparer.Ordinal).Any() || members.Values.Any(text => text is { Length: 0 or > LongestText }) ? null : new TextBody(members);
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }
}
