using Caracal.Rego.Compilation;

namespace Caracal.Rego;

/// <summary>Turns modules into a policy, or says why it cannot.</summary>
public static class RegoCompiler
{
    /// <summary>Compiles modules together: they form one tree of rules.</summary>
    public static RegoCompilation Compile(IReadOnlyList<RegoModule> modules, RegoCompilerOptions? options = null)
    {
        var (plan, errors) = new PolicyCompiler(options ?? new RegoCompilerOptions()).Compile(modules);
        return new(plan is null ? null : new CompiledPolicy(plan, RegoValue.EmptyObject), errors);
    }
}

/// <summary>A policy or the errors that prevented it.</summary>
public sealed class RegoCompilation
{
    internal RegoCompilation(CompiledPolicy? policy, IReadOnlyList<RegoError> errors)
    {
        Policy = policy;
        Errors = errors;
    }

    /// <summary>The policy; null when there are errors.</summary>
    public CompiledPolicy? Policy { get; }

    /// <summary>At most ten errors of the first phase that reported any.</summary>
    public IReadOnlyList<RegoError> Errors { get; }

    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Policy))]
    public bool Succeeded => Policy is not null;
}
