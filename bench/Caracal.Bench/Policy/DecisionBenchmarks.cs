using BenchmarkDotNet.Attributes;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Authority.Tests.DecisionContract;
using Caracal.Rego;

namespace Caracal.Bench.Policy;

/// <summary>One decision of the shipped contract, by the number of grants the zone has.</summary>
public class DecisionBenchmarks
{
    private ContractZone _zone = null!;
    private RegoValue _mintAllowed = null!;
    private RegoValue _mintDenied = null!;
    private RegoValue _useAllowed = null!;
    private RegoValue _useDenied = null!;

    [Params(10, 1_000, 100_000)]
    public int Grants { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _zone = new ContractZone(Grants);
        _mintAllowed = PolicyInput.Build(_zone.MintAllowed, _zone.Resource);
        _mintDenied = PolicyInput.Build(_zone.MintDenied, _zone.Resource);
        _useAllowed = PolicyInput.Build(_zone.UseAllowed, _zone.Resource);
        _useDenied = PolicyInput.Build(_zone.UseDenied, _zone.Resource);
    }

    [Benchmark(Description = "mint, allowed")]
    public EvalResult MintAllowed() => _zone.Decision.Evaluate(_mintAllowed);

    [Benchmark(Description = "mint, denied")]
    public EvalResult MintDenied() => _zone.Decision.Evaluate(_mintDenied);

    [Benchmark(Description = "use, allowed")]
    public EvalResult UseAllowed() => _zone.Decision.Evaluate(_useAllowed);

    [Benchmark(Description = "use, denied")]
    public EvalResult UseDenied() => _zone.Decision.Evaluate(_useDenied);

    [Benchmark(Description = "mint, allowed, from request to decision")]
    public PolicyDecision? Whole() =>
        PolicyDecision.TryRead(_zone.Decision.Evaluate(PolicyInput.Build(_zone.MintAllowed, _zone.Resource)).Value);
}
