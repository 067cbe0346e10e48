using Caracal.Rego;

namespace Caracal.Rego.Tests;

/// <summary>Short ways to compile and ask.</summary>
internal static class Policy
{
    public static CompiledPolicy Compile(params string[] sources) => Compile(new RegoCompilerOptions(), sources);

    public static CompiledPolicy Compile(RegoCompilerOptions options, params string[] sources)
    {
        var compilation = RegoCompiler.Compile([.. sources.Select((s, i) => new RegoModule($"m{i}.rego", s))], options);
        Assert.True(compilation.Succeeded, string.Join("\n", compilation.Errors));
        return compilation.Policy;
    }

    public static IReadOnlyList<RegoError> Errors(string source, RegoCompilerOptions? options = null)
    {
        var compilation = RegoCompiler.Compile([new RegoModule("m.rego", source)], options);
        Assert.False(compilation.Succeeded, "the module compiles");
        return compilation.Errors;
    }

    public static EvalResult Ask(this CompiledPolicy policy, string query, string? input = null, EvalOptions? options = null) =>
        policy.Prepare(query).Evaluate(input is null ? null : RegoValue.FromJson(input), options);

    /// <summary>The JSON of a query's value, <c>undefined</c>, or the error.</summary>
    public static string Show(this CompiledPolicy policy, string query, string? input = null, EvalOptions? options = null)
    {
        var result = policy.Ask(query, input, options);
        return result.Error?.ToString() ?? result.Value?.ToJson() ?? "undefined";
    }

    /// <summary>The value of an expression in a module of its own.</summary>
    public static string Value(string expression, string? input = null) => Compile("package t\np := " + expression).Show("data.t.p", input);
}
