namespace Caracal.Rego.Syntax;

/// <summary>A term as written.</summary>
internal abstract record Term(Place At);

internal sealed record ScalarTerm(RegoValue Value, Place At) : Term(At);

internal sealed record VarTerm(string Name, Place At) : Term(At);

/// <summary>A reference: a head and at least one key.</summary>
internal sealed record RefTerm(Term Head, IReadOnlyList<Term> Keys, Place At) : Term(At);

/// <summary>A call; the callee is a name or a reference made of names. Operators are calls of their names.</summary>
internal sealed record CallTerm(Term Callee, IReadOnlyList<Term> Args, Place At) : Term(At);

internal sealed record ArrayTerm(IReadOnlyList<Term> Items, Place At) : Term(At);

internal sealed record SetTerm(IReadOnlyList<Term> Items, Place At) : Term(At);

internal sealed record ObjectTerm(IReadOnlyList<(Term Key, Term Value)> Pairs, Place At) : Term(At);

internal enum ComprehensionKind : byte
{
    Array,
    Set,
    Object,
}

internal sealed record ComprehensionTerm(ComprehensionKind Kind, Term? Key, Term Value, IReadOnlyList<Literal> Body, Place At) : Term(At);

/// <summary>A template string: texts and literals of one term each.</summary>
internal sealed record TemplateTerm(IReadOnlyList<object> Parts, Place At) : Term(At);

internal sealed record WithClause(Term Target, Term Value, Place At);

/// <summary>One statement of a body.</summary>
internal abstract record Literal(Place At)
{
    public IReadOnlyList<WithClause> With { get; init; } = [];
}

/// <summary>A term, or two joined by <c>=</c> or <c>:=</c>.</summary>
internal sealed record ExpressionLiteral(Term Left, Term? Right, bool Declares, bool Negated, Place At) : Literal(At);

internal sealed record SomeLiteral(IReadOnlyList<VarTerm> Names, Place At) : Literal(At);

internal sealed record SomeInLiteral(Term? Key, Term Value, Term Collection, Place At) : Literal(At);

internal sealed record EveryLiteral(VarTerm? Key, VarTerm Value, Term Domain, IReadOnlyList<Literal> Body, Place At) : Literal(At);

/// <summary>One clause of a rule: a value under a body. The first clause of a rule carries its head's value.</summary>
internal sealed record RuleClause(Term? Value, IReadOnlyList<Literal>? Body, Place At);

internal sealed record RuleTree(
    IReadOnlyList<Term> HeadRef,
    IReadOnlyList<Term>? Args,
    Term? SetKey,
    bool IsDefault,
    IReadOnlyList<RuleClause> Clauses,
    Place At)
{
    public string Name => ((VarTerm)HeadRef[0]).Name;
}

internal sealed record ImportTree(IReadOnlyList<string> Path, string Alias, Place At);

internal sealed record ModuleTree(
    string File,
    IReadOnlyList<string> Package,
    Place PackageAt,
    IReadOnlyList<ImportTree> Imports,
    IReadOnlyList<RuleTree> Rules,
    IReadOnlyList<string> Comments,
    bool IsV1);

/// <summary>A module as text: its tokens with their roles, and its comments in order.</summary>
internal sealed record ModuleText(
    ModuleTree Tree, string Source, IReadOnlyList<Token> Tokens, IReadOnlyList<TokenRoles> Roles, IReadOnlyList<Comment> Comments);
