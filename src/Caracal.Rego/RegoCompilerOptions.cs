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
    public static RegoLimits Default { get; } = new();

    public int ModuleCharacters { get; init; } = 262_144;

    public int Modules { get; init; } = 512;

    public long TotalCharacters { get; init; } = 8L * 1024 * 1024;

    public int Rules { get; init; } = 20_000;

    public int Literals { get; init; } = 500_000;

    public TimeSpan CompileTime { get; init; } = TimeSpan.FromSeconds(5);

    public long Steps { get; init; } = 5_000_000;

    public TimeSpan Deadline { get; init; } = TimeSpan.FromMilliseconds(250);

    public long MemoryBytes { get; init; } = 64L * 1024 * 1024;

    public int CallDepth { get; init; } = 512;

    public int CollectionSize { get; init; } = 1_000_000;

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

    public RegoLanguageMode Mode { get; init; } = RegoLanguageMode.V1;

    /// <summary>Builtins that modules may neither call nor mock.</summary>
    public IReadOnlySet<string> DeniedBuiltins { get; init; } = FrozenSet<string>.Empty;

    public RegoLimits Limits { get; init; } = RegoLimits.Default;
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
