using Caracal.Rego.Evaluation;
using Caracal.Rego.Syntax;

namespace Caracal.Rego.Compilation;

internal enum GroupKind : byte
{
    Complete,
    Set,
    Object,
    Function,
}

/// <summary>One rule as written, with the module it stands in.</summary>
internal sealed class RuleSource(RuleTree tree, ModuleTree module, IReadOnlyList<Term> dynamicKeys)
{
    public RuleTree Tree { get; } = tree;

    public ModuleTree Module { get; } = module;

    /// <summary>The part of the head reference behind its constant prefix.</summary>
    public IReadOnlyList<Term> DynamicKeys { get; } = dynamicKeys;
}

/// <summary>All rules that define one document or one function.</summary>
internal sealed class RuleGroup(TreeNode node, GroupKind kind, int slot)
{
    public TreeNode Node { get; } = node;

    public GroupKind Kind { get; } = kind;

    /// <summary>The group's place in the caches.</summary>
    public int Slot { get; } = slot;

    public int Arity { get; set; }

    /// <summary>How many registers a call of a function needs.</summary>
    public int Registers { get; set; }

    public string Name => Node.Name;

    public List<RuleSource> Sources { get; } = [];

    public RuleSource? DefaultSource { get; set; }

    /// <summary>Whether the value is the same in every evaluation over the same base data.</summary>
    public bool IsConstant { get; set; }

    /// <summary>Whether a function's result depends on nothing but its arguments and the base data.</summary>
    public bool IsPure { get; set; }

    public GroupUses Uses { get; } = new();

    public Definition[] Definitions { get; set; } = [];

    public Clause? Default { get; set; }

    public DefinitionIndex? Index { get; set; }

    /// <summary>Whether every definition can only give the same constant, so that the first solution decides.</summary>
    public bool FirstDecides { get; set; }
}

/// <summary>What the definitions of a group reach; feeds recursion checks and constant folding.</summary>
internal sealed class GroupUses
{
    public HashSet<RuleGroup> Groups { get; } = [];

    public List<IReadOnlyList<RegoValue?>> DataPaths { get; } = [];

    public HashSet<string> Builtins { get; } = [];

    public bool Varies { get; set; }
}

/// <summary>A node of the tree of virtual documents under <c>data</c>.</summary>
internal sealed class TreeNode(TreeNode? parent, RegoValue? key, int slot)
{
    public TreeNode? Parent { get; } = parent;

    public RegoValue? Key { get; } = key;

    /// <summary>The place of the node's full value in the caches.</summary>
    public int Slot { get; } = slot;

    public Dictionary<RegoValue, TreeNode> Children { get; } = [];

    public bool IsPackage { get; set; }

    /// <summary>The rules whose head is exactly this path.</summary>
    public RuleGroup? Group { get; set; }

    /// <summary>Whether the node's full value is the same in every evaluation over the same base data.</summary>
    public bool IsConstant { get; set; }

    /// <summary>The document defined here, if rules define one; functions do not.</summary>
    public RuleGroup? Document => Group is { Kind: not GroupKind.Function } g ? g : null;

    public bool IsFunctionOnly => Group is { Kind: GroupKind.Function } && Children.Count == 0;

    public string Name => Parent is null ? "data" : Key is Values.StringValue s && IsName(s.Text) ? $"{Parent.Name}.{s.Text}" : $"{Parent.Name}[{Key}]";

    public IReadOnlyList<RegoValue> Path()
    {
        var path = new List<RegoValue>();
        for (var n = this; n.Parent is not null; n = n.Parent) path.Add(n.Key!);
        path.Reverse();
        return path;
    }

    public TreeNode? Child(RegoValue key) => Children.GetValueOrDefault(key);

    private static bool IsName(string text) =>
        text.Length > 0 && (char.IsAsciiLetter(text[0]) || text[0] == '_') && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
