using System.Text.Json;

namespace Caracal.ControlPlane.Tests;

/// <summary>Holds answers against the OpenAPI document, strictly: a member that it does not name is a problem, too.</summary>
internal sealed class DocumentedAnswers(JsonElement document)
{
    /// <summary>What is wrong with an answer; empty when it is as documented.</summary>
    public string Problem(string method, string path, Reply reply)
    {
        var operation = document.GetProperty("paths").GetProperty(path.Replace("*}", "}", StringComparison.Ordinal)).GetProperty(method.ToLowerInvariant());
        if (!operation.GetProperty("responses").TryGetProperty(reply.Status.ToString(), out var response)) return $"{method} {path}: {reply.Status} is not documented";
        if (!response.TryGetProperty("content", out var content)) return reply.Text.Length == 0 ? "" : $"{method} {path}: a body nobody documented";
        return Check(reply.Json, content.GetProperty("application/json").GetProperty("schema"), $"{method} {path}");
    }

    private string Check(JsonElement value, JsonElement schema, string at)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            return Check(value, document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]), at);
        }

        if (schema.TryGetProperty("anyOf", out var choices))
        {
            var problems = choices.EnumerateArray().Select(choice => Check(value, choice, at)).ToList();
            return problems.Contains("") ? "" : problems[0];
        }

        if (!schema.TryGetProperty("type", out var type)) return "";
        return (type.GetString(), value.ValueKind) switch
        {
            ("null", JsonValueKind.Null) or ("boolean", JsonValueKind.True or JsonValueKind.False) => "",
            ("integer", JsonValueKind.Number) => value.TryGetInt64(out _) ? "" : $"{at}: not a whole number",
            ("string", JsonValueKind.String) => Text(value.GetString()!, schema, at),
            ("array", JsonValueKind.Array) => value.EnumerateArray().Select((member, i) => Check(member, schema.GetProperty("items"), $"{at}[{i}]")).FirstOrDefault(problem => problem.Length > 0) ?? "",
            ("object", JsonValueKind.Object) => Members(value, schema, at),
            _ => $"{at}: {value.ValueKind} is not {type}",
        };
    }

    private static string Text(string text, JsonElement schema, string at)
    {
        if (schema.TryGetProperty("enum", out var words)) return words.EnumerateArray().Any(word => word.GetString() == text) ? "" : $"{at}: '{text}' is not among the words";
        return schema.TryGetProperty("format", out _) && !DateTimeOffset.TryParse(text, out _) ? $"{at}: '{text}' is no time" : "";
    }

    private string Members(JsonElement value, JsonElement schema, string at)
    {
        if (!schema.TryGetProperty("properties", out var properties)) return "";
        foreach (var required in schema.GetProperty("required").EnumerateArray())
        {
            if (!value.TryGetProperty(required.GetString()!, out _)) return $"{at}: {required} is missing";
        }

        foreach (var member in value.EnumerateObject())
        {
            if (!properties.TryGetProperty(member.Name, out var shape)) return $"{at}: {member.Name} is not documented";
            if (Check(member.Value, shape, $"{at}.{member.Name}") is { Length: > 0 } problem) return problem;
        }

        return "";
    }
}

/// <summary>Nothing outside answers.</summary>
internal sealed class NoNetwork : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        throw new HttpRequestException("no network");
}
