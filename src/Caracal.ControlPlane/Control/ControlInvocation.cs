using System.Text.Json;

namespace Caracal.ControlPlane.Control;

/// <summary>What a body asks for, and who asks once that is known.</summary>
internal sealed record ControlInvocation
{
    private const int LongestNoun = 64;

    public ControlSubject? Subject { get; init; }
    public string Command { get; init; } = "";
    public string Subcommand { get; init; } = "";

    /// <summary>Undefined unless an object was sent.</summary>
    public JsonElement Flags { get; init; }

    /// <summary>Goes into the evidence and nowhere else.</summary>
    public string IdempotencyKey { get; init; } = "";

    public static ControlInvocation Of(JsonElement? body)
    {
        if (body is not { ValueKind: JsonValueKind.Object } sent) return new ControlInvocation();
        var flags = sent.TryGetProperty("flags", out var given) && given.ValueKind == JsonValueKind.Object ? given : default;
        return new ControlInvocation
        {
            Command = Word(sent, "command", LongestNoun),
            Subcommand = Word(sent, "subcommand", LongestNoun),
            Flags = flags,
            IdempotencyKey = flags.ValueKind == JsonValueKind.Object ? Word(flags, "idempotency-key", 256) : "",
        };
    }

    private static string Word(JsonElement from, string name, int longest) =>
        from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text
            ? text[..Math.Min(text.Length, longest)]
            : "";
}
