namespace Caracal.Keys.Rotation;

/// <summary>One condition of a step and whether it is met; the default is not.</summary>
/// <param name="Id">A word that does not change.</param>
/// <param name="Ok">Met.</param>
/// <param name="Detail">For people: what is there, or who is missing.</param>
/// <param name="RetryAfterSeconds">When time alone will meet it.</param>
public readonly record struct Gate(string Id, bool Ok, string Detail, int? RetryAfterSeconds = null)
{
    /// <summary>A condition that time meets.</summary>
    public static Gate Time(string id, DateTimeOffset from, TimeSpan window, DateTimeOffset now)
    {
        var left = (int)Math.Ceiling((from + window - now).TotalSeconds);
        return left <= 0
            ? new Gate(id, true, $"{window.TotalSeconds:0} s have passed")
            : new Gate(id, false, $"{left} of {window.TotalSeconds:0} s are left", left);
    }
}
