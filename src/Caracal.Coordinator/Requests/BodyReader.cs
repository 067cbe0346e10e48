using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.Coordinator.Requests;

/// <summary>Reads the members of a body and collects every issue; unknown members are ignored (coordinator.md 2).</summary>
internal sealed class BodyReader
{
    private readonly JsonElement _body;
    private readonly List<BodyIssue> _issues = [];

    public BodyReader(JsonElement body)
    {
        _body = body;
        if (body.ValueKind is not (JsonValueKind.Object or JsonValueKind.Undefined))
        {
            _issues.Add(new BodyIssue([], "Expected an object"));
        }
    }

    public IReadOnlyList<BodyIssue> Issues => _issues;

    public bool IsValid => _issues.Count == 0;

    public void AddIssue(string message, params string[] path) => _issues.Add(new BodyIssue(path, message));

    /// <summary>The member; undefined when absent or null.</summary>
    public JsonElement Member(string name) =>
        _body.ValueKind == JsonValueKind.Object && _body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : default;

    public string RequiredText(string name)
    {
        if (Member(name).ValueKind == JsonValueKind.Undefined)
        {
            AddIssue("Required", name);
            return "";
        }

        return OptionalText(name) ?? "";
    }

    /// <summary>A non-empty string, or null when absent.</summary>
    public string? OptionalText(string name, int maximumLength = int.MaxValue)
    {
        var value = Member(name);
        switch (value.ValueKind)
        {
            case JsonValueKind.Undefined:
                return null;
            case JsonValueKind.String when value.GetString() is { Length: > 0 } text && text.Length <= maximumLength:
                return text;
            default:
                AddIssue(maximumLength == int.MaxValue ? "Expected a non-empty string" : $"Expected a string of 1 to {maximumLength} characters", name);
                return null;
        }
    }

    public string Choice(string name, string whenAbsent, params ReadOnlySpan<string> choices)
    {
        var value = Member(name);
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return whenAbsent;
        }

        foreach (var choice in choices)
        {
            if (value.ValueKind == JsonValueKind.String && value.ValueEquals(choice))
            {
                return choice;
            }
        }

        AddIssue($"Expected one of: {string.Join(", ", choices!)}", name);
        return whenAbsent;
    }

    public long? Integer(string name, long minimum, long maximum)
    {
        var value = Member(name);
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= minimum && number <= maximum)
        {
            return number;
        }

        AddIssue(maximum == long.MaxValue ? $"Expected a whole number of at least {minimum}" : $"Expected a whole number from {minimum} to {maximum}", name);
        return null;
    }

    /// <summary>A list of non-empty strings; empty when absent.</summary>
    public string[] Texts(string name)
    {
        var value = Member(name);
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            AddIssue("Expected a list of strings", name);
            return [];
        }

        var texts = new List<string>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            if (item.ValueKind == JsonValueKind.String && item.GetString() is { Length: > 0 } text)
            {
                texts.Add(text);
            }
            else
            {
                AddIssue("Expected a non-empty string", name, texts.Count.ToString());
                return [];
            }
        }

        return [.. texts];
    }

    /// <summary>The raw text of an object; <c>{}</c> when absent.</summary>
    public string ObjectText(string name)
    {
        var value = Member(name);
        switch (value.ValueKind)
        {
            case JsonValueKind.Undefined:
                return "{}";
            case JsonValueKind.Object:
                return value.GetRawText();
            default:
                AddIssue("Expected an object", name);
                return "{}";
        }
    }

    /// <summary>A date-time in UTC that ends in Z and has seconds; the text and its value, or nulls when absent.</summary>
    public (string? Text, DateTimeOffset? Time) UtcTime(string name)
    {
        var text = OptionalText(name);
        if (text is null)
        {
            return (null, null);
        }

        if (Timestamps.TryParseUtc(text, secondsOptional: false, out var time))
        {
            return (text, Timestamps.TruncateToMicroseconds(time));
        }

        AddIssue("Expected a date-time with seconds that ends in Z", name);
        return (text, null);
    }
}
