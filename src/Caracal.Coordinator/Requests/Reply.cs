using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.Coordinator.Requests;

/// <summary>A field of a body that failed its rule.</summary>
/// <param name="Path">Member names and list positions.</param>
/// <param name="Message">What is wrong.</param>
internal sealed record BodyIssue(IReadOnlyList<string> Path, string Message);

/// <summary>The answer to a call: a JSON body or a refusal.</summary>
internal sealed class Reply
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private Reply(int status, byte[] body)
    {
        Status = status;
        Body = body;
    }

    public int Status { get; }

    /// <summary>JSON text; empty for 204.</summary>
    public byte[] Body { get; }

    /// <summary>Set when this is no success.</summary>
    public Refusal? Refusal { get; private init; }

    /// <summary>What failed, for <c>invalid_body</c>.</summary>
    public IReadOnlyList<BodyIssue> Issues { get; private init; } = [];

    /// <summary>The answer of an earlier request with the same key.</summary>
    public bool Replayed { get; private init; }

    /// <summary>True for a refusal whose side effect stays, such as a lapsed lease that suspends its Session.</summary>
    public bool KeepsChanges { get; private init; }

    public bool Succeeded => Refusal is null;

    public static Reply Json(int status, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            write(writer);
        }

        return new Reply(status, buffer.WrittenSpan.ToArray());
    }

    public static Reply Ok(Action<Utf8JsonWriter> write) => Json(200, write);

    public static Reply Empty() => new(204, []);

    public static Reply Replay(int status, string body) => new(status, Encoding.UTF8.GetBytes(body)) { Replayed = true };

    public static Reply Refused(Refusal refusal) => new(refusal.Status, []) { Refusal = refusal };

    /// <summary>A refusal whose changes commit all the same.</summary>
    public static Reply RefusedKeepingChanges(Refusal refusal) => new(refusal.Status, []) { Refusal = refusal, KeepsChanges = true };

    public static Reply Invalid(IReadOnlyList<BodyIssue> issues) =>
        new(CoordinatorErrors.InvalidBody.Status, []) { Refusal = CoordinatorErrors.InvalidBody, Issues = issues };

    public static implicit operator Reply(Refusal refusal) => Refused(refusal);
}
