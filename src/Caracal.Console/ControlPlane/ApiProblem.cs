namespace Caracal.Console.ControlPlane;

/// <summary>The API refused, or could not be asked.</summary>
/// <param name="Status">Its status; 0 when nobody answered.</param>
/// <param name="Code">Its <c>error</c> code (api.md 1.1), or <c>api_unreachable</c>.</param>
internal sealed record ApiProblem(int Status, string Code)
{
    public static ApiProblem Unreachable { get; } = new(0, "api_unreachable");
}

/// <summary>An answer of the API, or why there is none.</summary>
internal readonly record struct ApiAnswer<T>(T? Value, ApiProblem? Problem)
    where T : class;
