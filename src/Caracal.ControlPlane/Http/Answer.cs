using System.Text.Json;
using Caracal.Protocol;

namespace Caracal.ControlPlane.Http;

/// <summary>What a handler answers. Nothing is sent before the change it speaks of is durable.</summary>
internal sealed class Answer
{
    private Answer(int status) => Status = status;

    public int Status { get; }

    /// <summary>Writes the body; null sends none.</summary>
    public Action<Utf8JsonWriter>? Json { get; private init; }

    /// <summary>The id of what was created, for the admin audit row.</summary>
    public string? EntityId { get; private init; }

    /// <summary>The zone the change belongs to when the path does not name it.</summary>
    public string? ZoneId { get; private init; }

    /// <summary>A CSV document in place of JSON.</summary>
    public CsvDocument? Csv { get; private init; }

    /// <summary>JSON documents, one a line, in place of one.</summary>
    public string? Lines { get; private init; }

    /// <summary>A page for people in place of JSON.</summary>
    public string? Html { get; private init; }

    public Refusal? Refusal { get; private init; }

    public Action<Utf8JsonWriter>? Details { get; private init; }

    public bool Succeeded => Status < 400;

    public static Answer NoContent { get; } = new(204);

    public static Answer Ok(Action<Utf8JsonWriter> json) => new(200) { Json = json };

    public static Answer Accepted(Action<Utf8JsonWriter> json) => new(202) { Json = json };

    public static Answer Created(string id, Action<Utf8JsonWriter> json) => new(201) { Json = json, EntityId = id };

    public static Answer Of(CsvDocument csv) => new(200) { Csv = csv };

    public static Answer OfLines(IEnumerable<string> lines) => new(200) { Lines = string.Concat(lines.Select(line => line + "\n")) };

    /// <summary>The same answer as a page that runs nothing.</summary>
    public static Answer Page(Answer answer, string html) => new(answer.Status) { Html = html, EntityId = answer.EntityId, ZoneId = answer.ZoneId };

    /// <summary>A status with a body of its own shape, such as the validator's 422.</summary>
    public static Answer Of(int status, Action<Utf8JsonWriter> json) => new(status) { Json = json };

    /// <summary>A refusal whose <c>details</c> object is written by <paramref name="details"/>.</summary>
    public static Answer Refused(Refusal refusal, Action<Utf8JsonWriter>? details = null) =>
        new(refusal.Status) { Refusal = refusal, Details = details };

    public static implicit operator Answer(Refusal refusal) => Refused(refusal);

    /// <summary>The same answer, for a change whose zone its path does not name.</summary>
    public Answer InZone(string zoneId) => new(Status) { Json = Json, EntityId = EntityId, ZoneId = zoneId };

    public Task<Answer> AsTask() => Task.FromResult(this);
}
