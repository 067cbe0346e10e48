using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.ControlPlane.Http;

/// <summary>What is wrong with one member of a body.</summary>
internal sealed record FieldIssue(string Path, string Message);

/// <summary>
/// Reads the members of a body. Every reader notes its problem and goes on with nothing; the handler asks once, with
/// <see cref="Problem"/>, before it uses what it read. A strict body refuses members nobody asked for.
/// </summary>
internal sealed class Fields
{
    private readonly JsonElement _object;
    private readonly Refusal _invalid;
    private readonly bool _strict;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly List<FieldIssue> _issues = [];

    public Fields(JsonElement? body, Refusal invalid, bool strict)
    {
        _invalid = invalid;
        _strict = strict;
        if (body is { ValueKind: JsonValueKind.Object } found)
        {
            _object = found;
        }
        else if (body is not null)
        {
            _issues.Add(new FieldIssue("", "must be an object"));
        }
    }

    /// <summary>Whether the member was sent, null included.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A text that must be there.</summary>
    public string Text(string name, int minimum, int maximum, bool trim = false)
    {
        if (Has(name)) return OptionalText(name, minimum, maximum, trim) ?? "";
        Note(name, "is required");
        return "";
    }

    /// <summary>A text that may be absent; null is not a text.</summary>
    public string? OptionalText(string name, int minimum, int maximum, bool trim = false)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.String) return Note(name, "must be a string");
        var text = trim ? value.GetString()!.Trim() : value.GetString()!;
        if (text.Length < minimum || text.Length > maximum) return Note(name, $"must have {minimum} to {maximum} characters");
        return text.Contains('\0', StringComparison.Ordinal) ? Note(name, "must not hold U+0000") : text;
    }

    /// <summary>A text where null means the same as absent.</summary>
    public string? NullableText(string name, int minimum, int maximum, bool trim = false) =>
        IsNull(name) ? null : OptionalText(name, minimum, maximum, trim);

    /// <summary>Whether the member was sent as null.</summary>
    public bool IsNull(string name) => Find(name) is { ValueKind: JsonValueKind.Null };

    public bool? Flag(string name)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False) return value.GetBoolean();
        Note(name, "must be a boolean");
        return null;
    }

    public long? Integer(string name, long minimum, long maximum)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= minimum && number <= maximum) return number;
        Note(name, $"must be a whole number between {minimum} and {maximum}");
        return null;
    }

    public string? OneOf(string name, params ReadOnlySpan<string> allowed)
    {
        var text = OptionalText(name, 0, 200);
        return text is null || allowed.Contains(text) ? text : Note(name, "is not one of the allowed values");
    }

    /// <summary>A list of texts; null when absent.</summary>
    public string[]? Texts(string name, int least, int most, int minimum, int maximum)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() < least || value.GetArrayLength() > most)
        {
            Note(name, $"must be a list of {least} to {most} strings");
            return null;
        }

        var texts = new List<string>();
        foreach (var member in value.EnumerateArray())
        {
            if (member.ValueKind != JsonValueKind.String || member.GetString() is not { } text
                || text.Length < minimum || text.Length > maximum || text.Contains('\0', StringComparison.Ordinal))
            {
                Note($"{name}.{texts.Count}", $"must be a string of {minimum} to {maximum} characters");
                return null;
            }

            texts.Add(text);
        }

        return [.. texts];
    }

    /// <summary>A list of objects; each is read by its own <see cref="Fields"/>. Null when absent.</summary>
    public IReadOnlyList<Fields>? Objects(string name, int least, int most, bool strict)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() < least || value.GetArrayLength() > most)
        {
            Note(name, $"must be a list of {least} to {most} objects");
            return null;
        }

        return [.. value.EnumerateArray().Select(member => new Fields(member, _invalid, strict))];
    }

    /// <summary>An object; null when absent.</summary>
    public JsonElement? Object(string name)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Object) return value;
        Note(name, "must be an object");
        return null;
    }

    /// <summary>Adds a problem a handler found itself.</summary>
    public string? Note(string path, string message)
    {
        _issues.Add(new FieldIssue(path, message));
        return null;
    }

    /// <summary>Takes over what is wrong with a member object.</summary>
    public void Include(string path, Fields member)
    {
        member.FindStrangers();
        _issues.AddRange(member._issues.Select(issue => issue with { Path = issue.Path.Length == 0 ? path : $"{path}.{issue.Path}" }));
    }

    /// <summary>The refusal of this body, with its issues where the code carries them; null when every member was well.</summary>
    public Answer? Problem()
    {
        FindStrangers();
        if (_issues.Count == 0) return null;
        var first = _issues[0];
        var refusal = _invalid.With(first.Path.Length == 0 ? $"body {first.Message}" : $"{first.Path} {first.Message}");
        return refusal.Code == "invalid_body" ? Answer.Refused(refusal, WriteIssues) : refusal;
    }

    private void FindStrangers()
    {
        if (!_strict || _object.ValueKind != JsonValueKind.Object) return;
        foreach (var member in _object.EnumerateObject())
        {
            if (_known.Add(member.Name)) Note(member.Name, "is not a known field");
        }
    }

    private void WriteIssues(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("issues");
        foreach (var issue in _issues)
        {
            writer.WriteStartObject();
            writer.Texts("path", issue.Path.Length == 0 ? [] : issue.Path.Split('.'));
            writer.WriteString("message", issue.Message);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private JsonElement? Find(string name)
    {
        _known.Add(name);
        return _object.ValueKind == JsonValueKind.Object && _object.TryGetProperty(name, out var value) ? value : null;
    }
}
