using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Rego;

namespace Caracal.Authority.Tests.DecisionContract;

/// <summary>The table of sts.md 10.4: every way to be allowed and every reason to be denied.</summary>
public sealed class DecisionContractTests
{
    private const string Grants =
        """
        app_ids := {"payments": "app-p", "other": "app-o"}
        grants := {"resource://nucleus": {"application": "payments", "roles": {"payer": ["nucleus:pay", "nucleus:read"], "reader": ["nucleus:read"]}}}
        """;

    [Fact]
    public void A_zone_whose_documents_grant_nothing_owns_nothing()
    {
        var decision = Decide("restrict := {}", Mint(["nucleus:pay"]));
        Assert.Equal(("deny", "resource_not_granted"), Verdict(decision));
    }

    [Theory]
    [InlineData("[\"nucleus:pay\"]", "[\"payer\"]", "allow", "caracal-payments-mint")]
    [InlineData("[\"nucleus:pay\",\"nucleus:read\"]", "[\"payer\"]", "deny", "delegation_scope_exceeded")]
    [InlineData("[\"nucleus:read\"]", "[\"payer\"]", "deny", "delegation_scope_exceeded")]
    [InlineData("[\"nucleus:pay\"]", "[\"x\"]", "deny", "role_scope_mismatch")]
    [InlineData("[\"nucleus:pay\"]", "[]", "deny", "role_scope_mismatch")]
    public void A_mint_needs_ownership_the_delegation_and_one_role(string scopes, string labels, string decision, string name)
    {
        var result = Decide(Grants, Mint(scopes, labels));
        Assert.Equal((decision, name), Verdict(result));
    }

    [Fact]
    public void Roles_do_not_add_up()
    {
        const string documents =
            """
            app_ids := {"payments": "app-p"}
            grants := {"resource://nucleus": {"application": "payments", "roles": {"a": ["x"], "b": ["y"]}}}
            """;
        var result = Decide(documents, Mint("""["x","y"]""", """["a","b"]""", """["x","y"]"""));
        Assert.Equal(("deny", "role_scope_mismatch"), Verdict(result));
    }

    [Fact]
    public void Somebody_elses_resource_is_not_granted()
    {
        var result = Decide(Grants, Mint("""["nucleus:pay"]""", principal: "app-o"));
        Assert.Equal(("deny", "resource_not_granted"), Verdict(result));
    }

    [Fact]
    public void Several_keys_may_name_one_application()
    {
        const string documents =
            """
            app_ids := {"a": "app-p", "payments": "app-p"}
            grants := {"resource://nucleus": {"application": "payments", "roles": {"payer": ["nucleus:pay"]}}}
            """;
        Assert.Equal(("allow", "caracal-payments-mint"), Verdict(Decide(documents, Mint("""["nucleus:pay"]"""))));
    }

    [Theory]
    [InlineData("""[{"label_prefix": "pay", "scopes": ["nucleus:pay"]}]""", "allow", "caracal-payments-mint")]
    [InlineData("""[{"label_prefix": "pay", "scopes": ["nucleus:read"]}]""", "deny", "confinement_violation")]
    [InlineData("""[{"label_prefix": "customer:", "scopes": []}]""", "allow", "caracal-payments-mint")]
    [InlineData("""[{"scopes": ["nucleus:pay"]}]""", "deny", "confinement_violation")]
    [InlineData("""[{"label_prefix": 7, "scopes": ["nucleus:pay"]}]""", "deny", "confinement_violation")]
    [InlineData("""["pay"]""", "deny", "confinement_violation")]
    [InlineData("[]", "allow", "caracal-payments-mint")]
    public void Confinement_binds_labels_by_prefix(string confinement, string decision, string name)
    {
        var result = Decide(Grants + "\nconfinement := " + confinement, Mint("""["nucleus:pay"]"""));
        Assert.Equal((decision, name), Verdict(result));
    }

    [Theory]
    [InlineData("restrict := {}", "allow")]
    [InlineData("restrict := {\"incident\": true}", "deny")]
    [InlineData("restrict := [\"x\"]", "deny")]
    [InlineData("restrict contains \"frozen\" if true", "deny")]
    public void Any_restriction_freezes_every_path(string restrict, string decision)
    {
        foreach (var input in new[] { Bootstrap(), Mint("""["nucleus:pay"]"""), Workload("""["nucleus:pay"]"""), Use() })
        {
            var result = Decide(Grants + "\n" + restrict, input);
            Assert.Equal(decision, Verdict(result).Decision);
            if (decision == "deny")
            {
                Assert.Equal("restriction_active", Verdict(result).Name);
            }
        }
    }

    [Theory]
    [InlineData("risk := {}")]
    [InlineData("risk := \"high\"")]
    [InlineData("risk := [{\"scope\": \"\", \"tier\": \"high\"}]")]
    [InlineData("risk := [{\"scope\": \"x\"}]")]
    [InlineData("risk := [{\"scope\": \"x\", \"tier\": 1}]")]
    [InlineData("risk := [\"x\"]")]
    public void Malformed_risk_denies_mints_and_workloads_but_not_bootstraps_and_uses(string risk)
    {
        var documents = Grants + "\n" + risk;
        Assert.Equal(("deny", "malformed_risk_data"), Verdict(Decide(documents, Mint("""["nucleus:pay"]"""))));
        Assert.Equal(("deny", "malformed_risk_data"), Verdict(Decide(documents, Workload("""["nucleus:pay"]"""))));
        Assert.Equal("allow", Verdict(Decide(documents, Bootstrap())).Decision);
        Assert.Equal("allow", Verdict(Decide(documents, Use())).Decision);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""[{"tier": ""}]""")]
    [InlineData("""[{}]""")]
    [InlineData("""[{"tier": "high", "approver": "manager"}]""")]
    [InlineData("""[{"tier": "high", "privacy": "secret"}]""")]
    [InlineData("""[{"tier": "high", "ttl_seconds": 0}]""")]
    [InlineData("""[{"tier": "high", "ttl_seconds": 1.5}]""")]
    [InlineData("""[{"tier": "high", "ttl_seconds": "60"}]""")]
    public void Malformed_tiers_deny_mints_and_workloads(string tiers)
    {
        var documents = Grants + "\napproval_tiers := " + tiers;
        Assert.Equal(("deny", "malformed_approval_data"), Verdict(Decide(documents, Mint("""["nucleus:pay"]"""))));
        Assert.Equal(("deny", "malformed_approval_data"), Verdict(Decide(documents, Workload("""["nucleus:pay"]"""))));
        Assert.Equal("allow", Verdict(Decide(documents, Bootstrap())).Decision);
    }

    [Fact]
    public void A_gated_scope_is_allowed_with_a_step_up_and_its_risk()
    {
        var documents = Grants +
            """

            risk := [{"scope": "nucleus:pay", "tier": "high"}, {"scope": "nucleus:read", "tier": "low"}]
            approval_tiers := [{"tier": "high", "approver": "subject"}, {"tier": "other"}]
            """;
        var decision = Decide(documents, Mint("""["nucleus:pay"]"""))!;
        Assert.True(decision.Allowed);
        Assert.Equal(
            """[{"step_up_required":{"tiers":[{"approver":"subject","tier":"high"}],"type":"human_approval"}},{"risk":[{"scope":"nucleus:pay","tier":"high"}]}]""",
            decision.Diagnostics.ToJson());
        var declaration = Assert.Single(decision.StepUp);
        Assert.Equal(("high", "subject", null, null), (declaration.Tier, declaration.Approver, declaration.TtlSeconds, declaration.Privacy));
    }

    [Fact]
    public void A_classified_scope_without_a_declared_tier_only_reports_its_risk()
    {
        var documents = Grants + "\nrisk := [{\"scope\": \"nucleus:pay\", \"tier\": \"high\"}]";
        var decision = Decide(documents, Workload("""["nucleus:pay"]"""))!;
        Assert.Empty(decision.StepUp);
        Assert.Equal("""[{"risk":[{"scope":"nucleus:pay","tier":"high"}]}]""", decision.Diagnostics.ToJson());
    }

    [Fact]
    public void One_scope_with_two_tiers_ends_the_evaluation()
    {
        var documents = Grants +
            """

            risk := [{"scope": "nucleus:pay", "tier": "high"}, {"scope": "nucleus:pay", "tier": "low"}]
            """;
        Assert.NotNull(Evaluate(documents, Mint("""["nucleus:pay"]""")).Error);
    }

    [Theory]
    [InlineData("app-p", "allow", "caracal-bootstrap")]
    [InlineData("app-o", "deny", "no_rule_matched")]
    public void A_bootstrap_needs_an_owned_resource(string principal, string decision, string name)
    {
        Assert.Equal((decision, name), Verdict(Decide(Grants, Bootstrap(principal))));
    }

    [Fact]
    public void A_bootstrap_asks_for_the_lifecycle_scope_alone()
    {
        Assert.Equal(
            ("deny", "no_rule_matched"),
            Verdict(Decide(Grants, Document("app-p", """["agent:lifecycle","nucleus:pay"]"""))));
    }

    [Fact]
    public void A_workload_needs_no_ownership()
    {
        Assert.Equal(("allow", "caracal-workload-mint"), Verdict(Decide(Grants, Workload("""["nucleus:pay"]"""))));
    }

    [Fact]
    public void A_presented_mandate_opens_only_its_target()
    {
        Assert.Equal(("allow", "caracal-payments-use"), Verdict(Decide(Grants, Use())));
        Assert.Equal(("deny", "mandate_target_mismatch"), Verdict(Decide(Grants, Use(target: "resource://other"))));
        Assert.Equal(("deny", "resource_not_granted"), Verdict(Decide(Grants, Use(principal: "app-o"))));
        Assert.Equal(("deny", "role_scope_mismatch"), Verdict(Decide(Grants, Use(labels: """["x"]"""))));
        Assert.Equal(("deny", "role_scope_mismatch"), Verdict(Decide(Grants, Use(scope: "nucleus:pay nucleus:refund"))));
    }

    [Theory]
    [InlineData("", "no_rule_matched")]
    [InlineData("   ", "no_rule_matched")]
    public void A_presented_mandate_without_scopes_matches_nothing(string scope, string reason)
    {
        Assert.Equal(("deny", reason), Verdict(Decide(Grants, Use(scope: scope))));
    }

    [Fact]
    public void A_session_alone_matches_nothing()
    {
        const string input =
            """
            {"principal":{"type":"Application","id":"app-p","zone_id":"z","labels":["payer"]},
             "resource":{"type":"Resource","id":"r","identifier":"resource://nucleus","scopes":[]},
             "action":{"id":"TokenExchange"},"context":{"agent_session_id":"s1","requested_scopes":["nucleus:pay"]}}
            """;
        Assert.Equal(("deny", "no_rule_matched"), Verdict(Decide(Grants, input)));
    }

    [Fact]
    public void The_artefact_has_a_hash_of_its_own()
    {
        Assert.Equal("2026-07-12", DecisionContractModule.Version);
        Assert.Matches("^[0-9a-f]{64}$", DecisionContractModule.Sha256);
        Assert.StartsWith("# The decision contract", DecisionContractModule.Source, StringComparison.Ordinal);
    }

    private static (string Decision, string? Name) Verdict(PolicyDecision? decision)
    {
        Assert.NotNull(decision);
        return decision.Allowed
            ? ("allow", decision.DeterminingPolicies.Items[0].TryGet("policy", out var policy) ? policy.AsString() : null)
            : ("deny", decision.Reason);
    }

    private static PolicyDecision? Decide(string documents, string input)
    {
        var result = Evaluate(documents, input);
        Assert.Null(result.Error);
        return PolicyDecision.TryRead(result.Value);
    }

    private static EvalResult Evaluate(string documents, string input)
    {
        var compilation = RegoCompiler.Compile(
            [
                new RegoModule("data.rego", "# caracal:data-document\npackage caracal.authz\n\nimport rego.v1\n\n" + documents + "\n"),
                new RegoModule("contract.rego", DecisionContractModule.Source),
            ],
            // The product's rules with time to spare: a cold start on a busy machine says nothing about the contract.
            RegoCompilerOptions.Product with { Limits = RegoCompilerOptions.Product.Limits with { CompileTime = TimeSpan.FromMinutes(1) } });
        Assert.True(compilation.Succeeded, string.Join("\n", compilation.Errors));
        return compilation.Policy.Prepare(DecisionContractModule.ResultQuery).Evaluate(RegoValue.FromJson(input));
    }

    private static string Mint(
        string scopes, string labels = """["payer"]""", string edgeScopes = """["nucleus:pay"]""", string principal = "app-p") =>
        $$"""
        {"principal":{"type":"Application","id":"{{principal}}","zone_id":"z","agent_session_id":"s2","labels":{{labels}} },
         "resource":{"type":"Resource","id":"r","identifier":"resource://nucleus","scopes":["nucleus:pay","nucleus:read"]},
         "action":{"id":"TokenExchange"},
         "delegation_edge":{"id":"e1","scopes":{{edgeScopes}} },
         "context":{"agent_session_id":"s2","delegation_edge_id":"e1","requested_scopes":{{scopes}} } }
        """;

    private static string Mint(IReadOnlyList<string> scopes) => Mint("[\"" + string.Join("\",\"", scopes) + "\"]");

    private static string Bootstrap(string principal = "app-p") => Document(principal, """["agent:lifecycle"]""");

    private static string Document(string principal, string scopes) =>
        $$"""
        {"principal":{"type":"Application","id":"{{principal}}","zone_id":"z"},
         "resource":{"type":"Resource","id":"r","identifier":"resource://nucleus","scopes":[]},
         "action":{"id":"TokenExchange"},"context":{"requested_scopes":{{scopes}} } }
        """;

    private static string Workload(string scopes) =>
        $$"""
        {"principal":{"type":"Workload","id":"wl-1","zone_id":"z"},
         "resource":{"type":"Resource","id":"r","identifier":"resource://nucleus","scopes":[]},
         "action":{"id":"CredentialInjection"},"context":{"requested_scopes":{{scopes}} } }
        """;

    private static string Use(
        string principal = "app-p", string target = "resource://nucleus", string scope = "nucleus:pay", string labels = """["payer"]""") =>
        $$"""
        {"principal":{"type":"Application","id":"{{principal}}","zone_id":"z","agent_session_id":"s2","labels":{{labels}} },
         "resource":{"type":"Resource","id":"r","identifier":"resource://nucleus","scopes":[]},
         "action":{"id":"TokenExchange","method":"GET","path":"/"},
         "delegation_edge":{"id":"e1","scopes":["nucleus:pay"]},
         "context":{"agent_session_id":"s2","delegation_edge_id":"e1","requested_scopes":[],
                    "subject_claims":{"delegation_edge_id":"e1","target":["{{target}}"],"scope":"{{scope}}"} } }
        """;
}
