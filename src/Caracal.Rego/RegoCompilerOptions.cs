using System.Collections.Frozen;

namespace Caracal.Rego;

/// <summary>Which syntax modules are read with (rego.md 4.4).</summary>
public enum RegoLanguageMode
{
    /// <summary>The current syntax.</summary>
    V1,

    /// <summary>The older syntax; <c>import rego.v1</c> turns a module into the current one.</summary>
    V0,

    /// <summary>The older syntax first, the current one when that fails.</summary>
    Auto,
}

/// <summary>The bounds on policies and their evaluation (rego.md 14).</summary>
public sealed record RegoLimits
{
    /// <summary>The bounds of rego.md 14.</summary>
    public static RegoLimits Default { get; } = new();

    /// <summary>Longest module, in UTF-16 units; a longer one is not read (<c>content_too_large</c>).</summary>
    public int ModuleCharacters { get; init; } = 262_144;

    /// <summary>Most modules of one policy.</summary>
    public int Modules { get; init; } = 512;

    /// <summary>Longest source of all modules together, in UTF-16 units.</summary>
    public long TotalCharacters { get; init; } = 8L * 1024 * 1024;

    /// <summary>Most rules of one policy.</summary>
    public int Rules { get; init; } = 20_000;

    /// <summary>Most statements of one policy, after nested calls were taken apart.</summary>
    public int Literals { get; init; } = 500_000;

    /// <summary>Longest compilation.</summary>
    public TimeSpan CompileTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most steps of one evaluation: a statement, a loop's element, 64 bytes given to or built by a builtin are one step each.</summary>
    public long Steps { get; init; } = 5_000_000;

    /// <summary>Longest evaluation, by the wall clock (<c>eval_cancel_error</c>).</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Most bytes of values one evaluation builds, estimated.</summary>
    public long MemoryBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Deepest nesting of rules and functions in evaluation.</summary>
    public int CallDepth { get; init; } = 512;

    /// <summary>Most items of one collection that an evaluation builds.</summary>
    public int CollectionSize { get; init; } = 1_000_000;

    /// <summary>Longest string that an evaluation builds, in UTF-16 units.</summary>
    public int StringLength { get; init; } = 4 * 1024 * 1024;
}

/// <summary>How modules are compiled.</summary>
public sealed record RegoCompilerOptions
{
    /// <summary>The product's capability profile: both syntaxes, no network, clock or randomness.</summary>
    public static RegoCompilerOptions Product { get; } = new()
    {
        Mode = RegoLanguageMode.Auto,
        DeniedBuiltins = Capabilities.DeniedByProduct,
    };

    /// <summary>Which syntax modules are read with; the current one unless told otherwise.</summary>
    public RegoLanguageMode Mode { get; init; } = RegoLanguageMode.V1;

    /// <summary>Builtins that modules may neither call nor mock.</summary>
    public IReadOnlySet<string> DeniedBuiltins { get; init; } = FrozenSet<string>.Empty;

    /// <summary>The bounds on the policy and, unless <see cref="EvalOptions"/> says otherwise, on its evaluations.</summary>
    public RegoLimits Limits { get; init; } = RegoLimits.Default;

    /// <summary>Notes which lines evaluations reach; absent in production, where it would cost time.</summary>
    public RegoCoverage? Coverage { get; init; }
}

internal static class Capabilities
{
    /// <summary>Builtins removed from policies of the product (rego.md 14), and those that only exist to be replaced.</summary>
    public static FrozenSet<string> DeniedByProduct { get; } = Builtins.BuiltinTable.WithoutBody
        .Concat(
        [
            "http.send", "net.lookup_ip_addr", "net.cidr_contains", "net.cidr_intersects", "net.cidr_expand", "net.cidr_merge",
            "opa.runtime", "rand.intn", "time.now_ns", "test.sleep",
        ])
        .ToFrozenSet(StringComparer.Ordinal);
}
