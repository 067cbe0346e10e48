using System.Collections.Frozen;

namespace Caracal.Rego.Builtins;

/// <summary>All builtins by name.</summary>
internal static class BuiltinTable
{
    private static readonly FrozenDictionary<string, Builtin> s_all = Build();

    /// <summary>What template strings compile to.</summary>
    public static Builtin Template { get; } = s_all["internal.template_string"];

    /// <summary>Names that can be called but never give a result.</summary>
    public static IEnumerable<string> WithoutBody => s_all.Values.Where(b => b.Body is null && !b.IsRelation).Select(b => b.Name);

    public static IEnumerable<Builtin> All => s_all.Values;

    public static Builtin? Find(string name) => s_all.GetValueOrDefault(name);

    private static FrozenDictionary<string, Builtin> Build()
    {
        var all = new BuiltinSet();
        Operators.AddTo(all);
        Aggregates.AddTo(all);
        ArrayBuiltins.AddTo(all);
        ObjectBuiltins.AddTo(all);
        StringBuiltins.AddTo(all);
        StringSearch.AddTo(all);
        NumberBuiltins.AddTo(all);
        TypeBuiltins.AddTo(all);
        Encodings.AddTo(all);
        RegexBuiltins.AddTo(all);
        GlobBuiltins.AddTo(all);
        JsonPathBuiltins.AddTo(all);
        JsonPatch.AddTo(all);
        TimeBuiltins.AddTo(all);
        VersionBuiltins.AddTo(all);
        RandomBuiltins.AddTo(all);
        GraphBuiltins.AddTo(all);
        NetBuiltins.AddTo(all);
        CryptoBuiltins.AddTo(all);
        TokenBuiltins.AddTo(all);
        DeclaredOnly.AddTo(all);
        return all.ByName.ToFrozenDictionary(StringComparer.Ordinal);
    }
}

/// <summary>Collects builtins; names are declared once.</summary>
internal sealed class BuiltinSet
{
    public Dictionary<string, Builtin> ByName { get; } = new(StringComparer.Ordinal);

    /// <summary>Adds a builtin. Each operand names the types it takes, in the order error texts list them.</summary>
    public void Add(string name, string[] operands, BuiltinBody body) => ByName.Add(name, new Builtin(name, operands, body));

    public void Add(Builtin builtin) => ByName.Add(builtin.Name, builtin);
}

/// <summary>Builtins that policies may name, because <c>with</c> can replace them, but that do nothing here.</summary>
internal static class DeclaredOnly
{
    public static void AddTo(BuiltinSet all)
    {
        Declare("http.send", 1);
        Declare("net.lookup_ip_addr", 1);
        Declare("providers.aws.sign_req", 3);
        Declare("io.jwt.encode_sign", 3);
        Declare("io.jwt.encode_sign_raw", 3);
        Declare("crypto.x509.parse_and_verify_certificates", 1);
        Declare("crypto.x509.parse_certificate_request", 1);
        Declare("crypto.x509.parse_certificates", 1);
        Declare("crypto.x509.parse_keypair", 2);
        Declare("crypto.x509.parse_rsa_private_key", 1);
        Declare("crypto.parse_private_keys", 1);
        Declare("graphql.is_valid", 2);
        Declare("graphql.parse", 2);
        Declare("graphql.parse_and_verify", 2);
        Declare("graphql.parse_query", 1);
        Declare("graphql.parse_schema", 1);
        Declare("graphql.schema_is_valid", 1);
        Declare("rego.parse_module", 2);
        Declare("strings.render_template", 2);
        Declare("io.jwt.verify_eddsa", 2);
        Declare("json.match_schema", 2);
        Declare("json.verify_schema", 1);
        Declare("yaml.is_valid", 1);
        Declare("yaml.marshal", 1);
        Declare("yaml.unmarshal", 1);
        Declare("regex.globs_match", 2);
        all.Add(new Builtin("opa.runtime", [], static (in _) => RegoValue.EmptyObject) { Varies = true });

        void Declare(string name, int arity) =>
            all.Add(new Builtin(name, [.. Enumerable.Repeat("any", arity)], null) { Varies = true });
    }
}
