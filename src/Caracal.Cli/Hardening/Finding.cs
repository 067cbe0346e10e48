namespace Caracal.Cli.Hardening;

/// <summary>How a check ended; what nothing was found out about is never a pass.</summary>
internal enum Outcome
{
    NotEvaluated,
    Ok,
    Warn,
    Fail,
}

/// <summary>What one check found.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Detail">What was seen; at most <see cref="DetailLength"/> characters and never a secret.</param>
internal sealed record Finding(Outcome Outcome, string Detail)
{
    public const int DetailLength = 240;

    public static Finding NotEvaluated(string why) => new(Outcome.NotEvaluated, $"not evaluated: {why}");

    public static Finding Ok(string detail) => new(Outcome.Ok, detail);

    public static Finding Warn(string detail) => new(Outcome.Warn, detail);

    public static Finding Fail(string detail) => new(Outcome.Fail, detail);
}

/// <summary>Collects what a check sees; the worst of it decides, and nothing seen is not evaluated.</summary>
internal sealed class Verdict
{
    private readonly List<string>[] _seen = [[], [], [], []];

    public void Fail(string text) => _seen[(int)Outcome.Fail].Add(text);

    public void Warn(string text) => _seen[(int)Outcome.Warn].Add(text);

    public void Ok(string text) => _seen[(int)Outcome.Ok].Add(text);

    /// <summary>Part of the subject could not be looked at: no pass, unless the rest is worse anyway.</summary>
    public void Unseen(string why) => _seen[(int)Outcome.NotEvaluated].Add(why);

    public Finding Finding(string nothingSeen = "there is nothing of this kind here")
    {
        foreach (var outcome in (ReadOnlySpan<Outcome>)[Outcome.Fail, Outcome.Warn, Outcome.NotEvaluated, Outcome.Ok])
        {
            if (_seen[(int)outcome].Distinct(StringComparer.Ordinal).ToList() is { Count: > 0 } texts)
            {
                var detail = string.Join("; ", texts);
                return outcome == Outcome.NotEvaluated ? Hardening.Finding.NotEvaluated(Short(detail)) : new Finding(outcome, Short(detail));
            }
        }

        return Hardening.Finding.NotEvaluated(nothingSeen);
    }

    private static string Short(string text) =>
        text.Length <= Hardening.Finding.DetailLength - 20 ? text : text[..(Hardening.Finding.DetailLength - 21)] + "…";
}
