using System.Globalization;
using System.Text;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.Delegations;
using Caracal.Authority.TokenExchange;
using Caracal.Protocol.Mandates;
using Caracal.Rego;

namespace Caracal.Authority.Tests.DecisionContract;

/// <summary>A zone with many grants under the shipped contract, and the requests the STS asks policy about most.</summary>
public sealed class ContractZone
{
    private const string Scope = "nucleus:pay";

    private readonly int _grants;

    public ContractZone(int grants)
    {
        _grants = grants;
        Sources = [new RegoModule("data.rego", Documents(grants)), new RegoModule(DecisionContractModule.FileName, DecisionContractModule.Source)];
        // A document of 100,000 grants is larger than the product accepts as one text; the decision is what is measured.
        var limits = RegoLimits.Default with
        {
            ModuleCharacters = int.MaxValue,
            TotalCharacters = long.MaxValue,
            Literals = int.MaxValue,
            CompileTime = TimeSpan.FromMinutes(5),
        };
        Options = RegoCompilerOptions.Product with { Limits = limits };
        var compilation = RegoCompiler.Compile(Sources, Options);
        Policy = compilation.Policy ?? throw new InvalidOperationException(string.Join("; ", compilation.Errors));
        Decision = Policy.Prepare(DecisionContractModule.ResultQuery);
        Resource = new ExchangeResource { Id = "res-1", Identifier = Identifier(grants / 2), Scopes = [Scope, "nucleus:read"] };
        MintAllowed = Mint("payer");
        MintDenied = Mint("stranger");
        UseAllowed = Use(Resource.Identifier);
        UseDenied = Use("resource://elsewhere");
    }

    public IReadOnlyList<RegoModule> Sources { get; }

    public RegoCompilerOptions Options { get; }

    public CompiledPolicy Policy { get; }

    public PreparedQuery Decision { get; }

    public ExchangeResource Resource { get; }

    /// <summary>An agent mints within its delegation and its role.</summary>
    public PolicyRequest MintAllowed { get; }

    /// <summary>The same without the role: <c>role_scope_mismatch</c>, after nearly every rule has been tried.</summary>
    public PolicyRequest MintDenied { get; }

    /// <summary>The Gateway spends a mandate.</summary>
    public PolicyRequest UseAllowed { get; }

    /// <summary>The mandate is for another resource: <c>mandate_target_mismatch</c>.</summary>
    public PolicyRequest UseDenied { get; }

    private static string Identifier(int grant) => string.Create(CultureInfo.InvariantCulture, $"resource://nucleus/{grant}");

    private static string Documents(int grants)
    {
        var text = new StringBuilder("# caracal:data-document\npackage caracal.authz\n\nimport rego.v1\n\napp_ids := {\"payments\": \"app-p\", \"other\": \"app-o\"}\n\ngrants := {");
        for (var i = 0; i < grants; i++)
        {
            text.Append('"').Append(Identifier(i)).Append("\": {\"application\": \"payments\", \"roles\": {\"payer\": [\"nucleus:pay\", \"nucleus:read\"], \"reader\": [\"nucleus:read\"]}},\n");
        }

        return text.Append("}\n").ToString();
    }

    private PolicyRequest Mint(string label)
    {
        var proof = Proof(label);
        return new PolicyRequest
        {
            ZoneId = "zone-1",
            PrincipalId = "app-p",
            RegistrationMethod = "managed",
            Scopes = [Scope],
            RecordId = "rec-1",
            AgentSessionId = proof.Target.Id,
            Session = proof.Target,
            Delegation = proof,
            TraceId = "req-1",
        };
    }

    private PolicyRequest Use(string target)
    {
        var proof = Proof("payer");
        return Mint("payer") with
        {
            Method = "POST",
            Path = "/payments",
            Scopes = [],
            SubjectClaims = new MandateClaims
            {
                Issuer = "https://sts.test",
                Subject = "app-p",
                Audience = [Resource.Identifier],
                ExpiresAt = 1_800_000_900,
                IssuedAt = 1_800_000_000,
                Jti = "jti-1",
                ZoneId = "zone-1",
                ClientId = "app-p",
                Scope = Scope,
                Sid = "rec-1",
                RootSid = "rec-1",
                Use = "session",
                SubjectType = "application",
                Target = [target],
                AgentSessionId = proof.Target.Id,
                DelegationEdgeId = proof.Edge.Id,
                SourceSessionId = proof.Source.Id,
                TargetSessionId = proof.Target.Id,
                DelegationPath = proof.Path,
                DelegationChain = proof.Chain,
                HopCount = 1,
                GraphEpoch = 3,
            },
        };
    }

    private static DelegationProof Proof(string label) => new()
    {
        Edge = new EdgeFacts
        {
            Id = "edge-1",
            SourceSessionId = "ses-1",
            TargetSessionId = "ses-2",
            IssuerApplicationId = "app-p",
            ReceiverApplicationId = "app-p",
            Scopes = [Scope],
            Status = "active",
            EdgeVersion = 1,
            ConstraintsJson = "{}",
        },
        Constraints = DelegationConstraints.None,
        Source = Session("ses-1", label),
        Target = Session("ses-2", label),
        Path = ["edge-1"],
        Chain = [new DelegationHop("app-p", "ses-1", "edge-1"), new DelegationHop("app-p", "ses-2", null)],
        Epoch = 3,
    };

    private static SessionFacts Session(string id, string label) => new()
    {
        Id = id,
        ApplicationId = "app-p",
        Status = "active",
        Labels = [label, "emea"],
        Lifecycle = "task",
        SubjectRecordId = "rec-1",
    };
}
