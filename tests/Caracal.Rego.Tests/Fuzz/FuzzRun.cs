using System.Diagnostics;
using System.Globalization;

namespace Caracal.Rego.Tests.Fuzz;

/// <summary>What a run of seeds came to.</summary>
internal sealed class FuzzRun(string name)
{
    /// <summary>A short program that takes longer than this, compilation and all evaluations, counts as a hang.</summary>
    public static readonly TimeSpan HangTime = TimeSpan.FromSeconds(30);

    private readonly SortedDictionary<string, int> _codes = new(StringComparer.Ordinal);
    private readonly long _started = Stopwatch.GetTimestamp();

    public int Programs { get; private set; }

    public int Compiled { get; private set; }

    public int Defined { get; private set; }

    /// <summary>The seed of the first program that reached a limit; -1 when none did.</summary>
    public int FirstLimited { get; private set; } = -1;

    public int Limits => _codes.Where(c => c.Key is "eval_limit_error" or "eval_cancel_error").Sum(c => c.Value);

    /// <summary>How many programs the run is to take: a thousand, or what <c>CARACAL_FUZZ_PROGRAMS</c> says for a night.</summary>
    public static int Wanted => Setting("CARACAL_FUZZ_PROGRAMS", 1_000);

    /// <summary>The seed to begin with, to look again at one program or to look at others.</summary>
    public static int FirstSeed => Setting("CARACAL_FUZZ_SEED", 0);

    /// <summary>Runs a program for each seed; whatever escapes, and whatever takes too long, fails with seed and text.</summary>
    public void All(Func<int, string> source, Action<FuzzRun, string> run)
    {
        for (var i = 0; i < Wanted; i++)
        {
            var seed = FirstSeed + i;
            var text = source(seed);
            var started = Stopwatch.GetTimestamp();
            try
            {
                run(this, text);
            }
            catch (Exception e)
            {
                Assert.Fail($"{name}, seed {seed}: {e}\n{text}");
            }

            var took = Stopwatch.GetElapsedTime(started);
            if (took > HangTime) Assert.Fail($"{name}, seed {seed}: took {took}\n{text}");
            Programs++;
            if (Programs % 20_000 == 0) Console.Error.WriteLine(this);
        }

        if (Wanted > 1_000) Console.Error.WriteLine(this);
    }

    public void NoteCompiled() => Compiled++;

    public void Note(EvalResult result)
    {
        if (result.IsDefined) Defined++;
        if (result.Error is not { } error) return;
        if (error.Code is "eval_limit_error" or "eval_cancel_error" && FirstLimited < 0) FirstLimited = FirstSeed + Programs;
        _codes[error.Code] = _codes.GetValueOrDefault(error.Code) + 1;
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{name}: {Programs} programs in {Stopwatch.GetElapsedTime(_started).TotalSeconds:F0} s, {Compiled} compiled, {Defined} with a result, {string.Join(", ", _codes.Select(c => $"{c.Value} {c.Key}"))}, {Limits} limits{(FirstLimited < 0 ? "" : $" (first: seed {FirstLimited})")}, 0 crashes, 0 hangs");

    private static int Setting(string variable, int fallback) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : fallback;
}
