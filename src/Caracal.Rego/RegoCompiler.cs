using System.Runtime.ExceptionServices;
using Caracal.Rego.Compilation;

namespace Caracal.Rego;

/// <summary>Turns modules into a policy, or says why it cannot.</summary>
public static class RegoCompiler
{
    /// <summary>
    /// Compiles modules together: they form one tree of rules. Takes at most <see cref="RegoLimits.CompileTime"/>; never throws for
    /// anything a module holds.
    /// </summary>
    /// <returns>
    /// The policy, or at most ten errors of the first phase that has any: <c>content_too_large</c>, <c>rego_parse_error</c>,
    /// <c>rego_compile_error</c>, <c>rego_type_error</c>, <c>rego_unsafe_var_error</c>, <c>rego_recursion_error</c>.
    /// </returns>
    public static RegoCompilation Compile(IReadOnlyList<RegoModule> modules, RegoCompilerOptions? options = null)
    {
        RegoCompilation? result = null;
        ExceptionDispatchInfo? fault = null;
        // Syntax trees are walked recursively; a stack of known size takes any tree the parser lets through.
        var worker = new Thread(Work, StackBytes) { IsBackground = true };
        worker.Start();
        worker.Join();
        fault?.Throw();
        return result!;

        void Work()
        {
            try
            {
                result = CompileHere(modules, options ?? new RegoCompilerOptions());
            }
#pragma warning disable CA1031 // it is thrown again on the caller's thread
            catch (Exception e)
#pragma warning restore CA1031
            {
                fault = ExceptionDispatchInfo.Capture(e);
            }
        }
    }

    private const int StackBytes = 16 * 1024 * 1024;

    private static RegoCompilation CompileHere(IReadOnlyList<RegoModule> modules, RegoCompilerOptions options)
    {
        var (plan, errors) = new PolicyCompiler(options).Compile(modules);
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

    /// <summary>Whether there is a policy.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Policy))]
    public bool Succeeded => Policy is not null;
}
