using System.Text.Json;

namespace Caracal.Cli.Client;

/// <summary>An HTTP answer as a client library sees it.</summary>
/// <param name="Status">Status code.</param>
/// <param name="RequestId">What the service echoed.</param>
/// <param name="Body">The JSON body; undefined when there is none.</param>
/// <param name="Text">The body as text.</param>
internal sealed record WireAnswer(int Status, string RequestId, JsonElement Body, string Text)
{
    public bool IsSuccess => Status is >= 200 and < 300;

    /// <summary>A text member of the body; empty when absent.</summary>
    public string this[string member] =>
        Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()!
            : "";

    /// <summary>The answer itself if it is a success.</summary>
    public WireAnswer Require(string what) => IsSuccess
        ? this
        : throw new WireException($"{what} was refused: {Status} {this["error"]} {this["error_description"]}".TrimEnd());
}

/// <summary>A step that had to succeed did not.</summary>
internal sealed class WireException(string message) : Exception(message);
