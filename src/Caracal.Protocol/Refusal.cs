namespace Caracal.Protocol;

/// <summary>
/// An expected "no": the HTTP status, the code that clients branch on, and free text. Each service keeps its closed
/// list of refusals; rules return them as values, the edge writes them.
/// </summary>
/// <param name="Status">HTTP status, 400 to 503.</param>
/// <param name="Code">The specification's error code.</param>
/// <param name="Description">Text for people; never holds a secret. May be empty.</param>
public sealed record Refusal(int Status, string Code, string Description = "")
{
    /// <summary>Seconds for a <c>Retry-After</c> header; null sends none.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>The same refusal with a text of its own.</summary>
    public Refusal With(string description) => this with { Description = description };
}
