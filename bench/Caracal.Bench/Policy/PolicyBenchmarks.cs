using BenchmarkDotNet.Attributes;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.Tests.DecisionContract;
using Caracal.Rego;

namespace Caracal.Bench.Policy;

/// <summary>A zone's own decision policy of typical size, and what compiling costs.</summary>
public class PolicyBenchmarks
{
    private const string Custom =
        """
        package caracal.authz

        import rego.v1

        default result := {"decision": "deny", "evaluation_status": "complete", "diagnostics": [{"reason": "no_rule"}]}

        result := {"decision": "allow", "evaluation_status": "complete", "determining_policies": [{"policy": "team"}]} if {
            input.principal.type == "Application"
            some team in teams
            input.principal.id in team.applications
            startswith(input.resource.identifier, team.prefix)
            every scope in input.context.requested_scopes {
                scope in allowed(team)
            }
            not frozen(team)
        }

        teams := [
            {"name": "a", "applications": ["app-a"], "prefix": "resource://a/", "roles": ["payer"]},
            {"name": "b", "applications": ["app-b", "app-c"], "prefix": "resource://b/", "roles": ["reader"]},
            {"name": "p", "applications": ["app-p"], "prefix": "resource://nucleus/", "roles": ["payer", "reader"]},
        ]

        scopes := {"payer": ["nucleus:pay"], "reader": ["nucleus:read"]}

        allowed(team) := {scope | some role in team.roles; some scope in scopes[role]}

        frozen(team) if team.name in object.get(input.context, "frozen", [])
        """;

    private readonly ContractZone _zone = new(1_000);
    private readonly Explanation _explanation = new();
    private readonly RegoModule[] _modules = [new("custom.rego", Custom)];
    private PreparedQuery _custom = null!;
    private RegoValue _input = null!;

    [GlobalSetup]
    public void Setup()
    {
        _custom = RegoCompiler.Compile(_modules, RegoCompilerOptions.Product).Policy!
            .Prepare(DecisionContractModule.ResultQuery);
        _input = PolicyInput.Build(_zone.MintAllowed, _zone.Resource);
        if (!_custom.Evaluate(_input).Value!.ToJson().Contains("allow", StringComparison.Ordinal)) throw new InvalidOperationException("the policy denies");
    }

    [Benchmark(Description = "custom policy, allowed")]
    public EvalResult CustomPolicy() => _custom.Evaluate(_input);

    [Benchmark(Description = "contract, allowed, explained")]
    public EvalResult Explained() => _zone.Decision.Evaluate(_input, null, _explanation, CancellationToken.None);

    [Benchmark(Description = "build the input")]
    public RegoValue Input() => PolicyInput.Build(_zone.MintAllowed, _zone.Resource);

    [Benchmark(Description = "compile the custom policy")]
    public RegoCompilation CompileCustom() => RegoCompiler.Compile(_modules, RegoCompilerOptions.Product);

    [Benchmark(Description = "compile the contract and 1,000 grants")]
    public RegoCompilation CompileContract() => RegoCompiler.Compile(_zone.Sources, _zone.Options);
}
