using System.Diagnostics;
using System.Globalization;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.Tests.DecisionContract;
using Caracal.Rego;

namespace Caracal.Bench.Policy;

/// <summary>
/// One policy asked by one thread and by two, in turn and for a moment each, so that a machine whose speed changes does
/// not favour either. Says how many times the decisions two threads make in the same time.
/// </summary>
internal sealed class ThreadScaling
{
    private const int Rounds = 101;
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(40);

    private readonly ContractZone _zone = new(1_000);
    private readonly RegoValue _input;

    private ThreadScaling() => _input = PolicyInput.Build(_zone.MintAllowed, _zone.Resource);

    public static void Run()
    {
        var scaling = new ThreadScaling();
        for (var i = 0; i < 10; i++) scaling.Measure(2);

        var ratios = new double[Rounds];
        var one = new double[Rounds];
        for (var i = 0; i < Rounds; i++)
        {
            one[i] = scaling.Measure(1);
            ratios[i] = scaling.Measure(2) / one[i];
        }

        Array.Sort(ratios);
        Array.Sort(one);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"one thread {one[Rounds / 2]:0} decisions/s; two threads {ratios[Rounds / 2]:0.00} times as many (median of {Rounds}; quartiles {ratios[Rounds / 4]:0.00} and {ratios[Rounds * 3 / 4]:0.00})"));
    }

    // Decisions per second of all threads together. They begin together; each counts what it made in its own time.
    private double Measure(int threads)
    {
        var rates = new double[threads];
        using var begin = new Barrier(threads);
        var running = new Thread[threads];
        for (var i = 0; i < threads; i++)
        {
            var at = i;
            (running[i] = new Thread(() =>
            {
                begin.SignalAndWait();
                rates[at] = Decide();
            })).Start();
        }

        foreach (var thread in running) thread.Join();
        return rates.Sum();
    }

    private double Decide()
    {
        var clock = Stopwatch.StartNew();
        var made = 0;
        do
        {
            for (var i = 0; i < 100; i++) _zone.Decision.Evaluate(_input);
            made += 100;
        }
        while (clock.Elapsed < Moment);
        return made / clock.Elapsed.TotalSeconds;
    }
}
