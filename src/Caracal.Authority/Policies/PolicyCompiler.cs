using Caracal.Authority.DecisionContract;
using Caracal.Rego;

namespace Caracal.Authority.Policies;

/// <summary>What compiling a set of policies came to. Exactly one member is set.</summary>
/// <param name="Result">The query that decides.</param>
/// <param name="Restrict">For custom policies, the floor that is asked first.</param>
/// <param name="InvalidDocument">A document that breaks the rules of sts.md 10.2, as its code.</param>
/// <param name="Error">Any other reason.</param>
public sealed record CompiledSet(PreparedQuery? Result, PreparedQuery? Restrict, string? InvalidDocument, string? Error);

/// <summary>Compiles a bundle: data documents with the decision contract, or one decision policy with its data documents (sts.md 10.2, 10.5).</summary>
public static class PolicyCompiler
{
    /// <summary>The rule an operator freezes a zone with.</summary>
    private const string RestrictQuery = "data.caracal.authz.restrict";

    public static CompiledSet Compile(IReadOnlyList<(string Name, string Content)> policies, bool customAllowed)
    {
        var modules = new List<RegoModule>(policies.Count + 1);
        var custom = 0;
        foreach (var (name, content) in policies)
        {
            var verdict = PolicyContent.Validate(content, customAllowed);
            if (verdict.Code is { } code)
            {
                return new CompiledSet(null, null, $"{name}: {code}", null);
            }

            custom += verdict.Preview!.Custom ? 1 : 0;
            modules.Add(new RegoModule(name, content));
        }

        if (custom > 1)
        {
            return new CompiledSet(null, null, null, "a bundle may hold at most one decision policy");
        }

        if (custom == 0)
        {
            modules.Add(new RegoModule(DecisionContractModule.FileName, DecisionContractModule.Source));
        }

        return Prepare(modules, custom == 1);
    }

    private static CompiledSet Prepare(List<RegoModule> modules, bool custom)
    {
        var compilation = RegoCompiler.Compile(modules, RegoCompilerOptions.Product);
        if (!compilation.Succeeded)
        {
            return Failed(string.Join("; ", compilation.Errors));
        }

        try
        {
            var policy = compilation.Policy;
            if (FirstConflict(policy) is { } conflict)
            {
                return Failed(conflict);
            }

            return new CompiledSet(
                policy.Prepare(DecisionContractModule.ResultQuery), custom ? policy.Prepare(RestrictQuery) : null, null, null);
        }
        catch (RegoQueryException refused)
        {
            return Failed(string.Join("; ", refused.Errors));
        }
    }

    // B17: two documents that define one root differently would only fail at the first mint; ask for every root now.
    private static string? FirstConflict(CompiledPolicy policy)
    {
        foreach (var root in PolicyContent.DataRoots)
        {
            var result = policy.Prepare($"data.{PolicyContent.Package}.{root}").Evaluate(RegoValue.EmptyObject);
            if (result.Error is { } error)
            {
                return error.ToString();
            }
        }

        return null;
    }

    private static CompiledSet Failed(string error) => new(null, null, null, error);
}
