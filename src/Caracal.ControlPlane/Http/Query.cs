using Caracal.Protocol;
using Microsoft.AspNetCore.Http;

namespace Caracal.ControlPlane.Http;

/// <summary>
/// The query of a list. Readers note the first problem and go on with nothing, so that a handler asks once at the end;
/// unknown parameters are ignored, a repeated one is refused.
/// </summary>
internal sealed class Query(IQueryCollection query)
{
    /// <summary>The first problem, <c>invalid_query</c>; null when all is well.</summary>
    public Refusal? Problem { get; private set; }

    public string? Text(string name, int maximum = 512)
    {
        if (!query.TryGetValue(name, out var values)) return null;
        // PostgreSQL knows no text with U+0000; nothing stored can match it.
        if (values.Count == 1 && values[0] is { Length: > 0 } text && text.Length <= maximum && !text.Contains('\0', StringComparison.Ordinal)) return text;
        return Refuse(name);
    }

    public string? OneOf(string name, params ReadOnlySpan<string> allowed)
    {
        var text = Text(name);
        return text is null || allowed.Contains(text) ? text : Refuse(name);
    }

    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text) return null;
        if (Timestamps.TryParseUtc(text, secondsOptional: true, out var time)) return time;
        Refuse(name);
        return null;
    }

    /// <summary>A comma list without empty members.</summary>
    public IReadOnlyList<string> Texts(string name, int most, int maximum = 2048)
    {
        if (Text(name, maximum) is not { } text) return [];
        var members = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (members.Length is > 0 && members.Length <= most) return members;
        Refuse(name);
        return [];
    }

    private string? Refuse(string name)
    {
        Problem ??= ControlPlaneErrors.InvalidQuery.With($"{name} is not valid");
        return null;
    }
}
