using Caracal.Rego;

namespace Caracal.Conformance;

/// <summary>Runs one case; a null answer means that it passed.</summary>
internal static class CaseRunner
{
    private static readonly EvalOptions s_options = new()
    {
        Deadline = TimeSpan.FromSeconds(20),
        StepLimit = 50_000_000,
        MemoryLimit = 1L << 30,
        Now = DateTimeOffset.UtcNow,
        Seed = 1,
    };

    public static string? Run(Case c)
    {
        try
        {
            return c.Group == "own" ? Compile(c) : Evaluate(c);
        }
#pragma warning disable CA1031 // whatever escapes the engine is the finding
        catch (Exception e)
        {
            return $"escaped: {e}";
        }
#pragma warning restore CA1031
    }

    private static string? Compile(Case c)
    {
        var options = c.Profile == "product" ? RegoCompilerOptions.Product : new RegoCompilerOptions();
        options = options with { Mode = c.RegoVersion == "v0" ? RegoLanguageMode.V0 : RegoLanguageMode.V1 };
        var compilation = RegoCompiler.Compile(c.Modules, options);
        if (c.WantCompile) return compilation.Succeeded ? null : $"refused: {string.Join("; ", compilation.Errors)}";
        if (compilation.Succeeded) return $"accepted, wanted {c.WantErrorCode}";
        if (compilation.Errors[0].Code != c.WantErrorCode) return $"wanted {c.WantErrorCode}, got {compilation.Errors[0]}";
        return c.WantError is { } text && !compilation.Errors.Any(e => e.ToString().Contains(text, StringComparison.Ordinal))
            ? $"wanted the text '{text}', got {compilation.Errors[0]}"
            : null;
    }

    private static string? Evaluate(Case c)
    {
        var mode = c.Group == "v0" ? RegoLanguageMode.V0 : RegoLanguageMode.V1;
        var compilation = RegoCompiler.Compile(c.Modules, new RegoCompilerOptions { Mode = mode });
        if (!compilation.Succeeded) return $"does not compile: {string.Join("; ", compilation.Errors)}";
        var policy = c.Data is { } data ? compilation.Policy.WithData(data) : compilation.Policy;
        var input = c.InputTerm is { } term ? policy.Prepare(term).Evaluate(null).Value : c.Input;
        var result = policy.Prepare(c.Query!).Evaluate(input, s_options with { StrictBuiltinErrors = c.StrictErrors });

        if (c.WantError is { } text)
        {
            if (result.Error is null) return $"wanted an error with '{text}', got {Show(Actual(c, result))}";
            if (!result.Error.ToString().Contains(text, StringComparison.Ordinal)) return $"wanted an error with '{text}', got {result.Error}";
        }

        if (c.WantErrorCode is { } code)
        {
            if (result.Error is null) return $"wanted {code}, got {Show(Actual(c, result))}";
            return result.Error.Code == code ? null : $"wanted {code}, got {result.Error}";
        }

        if (c.WantError is not null) return null;
        if (result.Error is not null) return $"failed: {result.Error}";
        if (c.WantResult is null) return null;
        var actual = Actual(c, result);
        var wanted = c.WantResult.Select(w => ResultForm.Normal(w, c.SortBindings)).ToHashSet();
        return actual.SetEquals(wanted) ? null : $"wanted {Show(wanted)}, got {Show(actual)}";
    }

    private static HashSet<RegoValue> Actual(Case c, EvalResult result)
    {
        IEnumerable<IReadOnlyDictionary<string, RegoValue>> bindings = result.Bindings;
        if (result.Bindings.Count == 0 && result.IsDefined) bindings = [new Dictionary<string, RegoValue>()];
        return [.. bindings.Select(b => ResultForm.Normal(ResultForm.Binding(b), c.SortBindings))];
    }

    private static string Show(HashSet<RegoValue> bindings) => "[" + string.Join(",", bindings.Select(b => b.ToJson())) + "]";
}

/// <summary>Results in the form in which they are compared: as JSON values.</summary>
internal static class ResultForm
{
    public static RegoValue Binding(IReadOnlyDictionary<string, RegoValue> binding)
    {
        var builder = new RegoObjectBuilder();
        foreach (var (name, value) in binding) builder.Add(name, RegoValue.FromJson(value.ToJson()));
        return builder.Build();
    }

    public static RegoValue Normal(RegoValue binding, bool sort)
    {
        if (!sort) return binding;
        var builder = new RegoObjectBuilder();
        foreach (var (name, value) in binding.Properties)
            builder.Add(name, value.Kind == RegoKind.Array ? RegoValue.Array([.. value.Items.Order()]) : value);
        return builder.Build();
    }
}
